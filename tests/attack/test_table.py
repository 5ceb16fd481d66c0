"""The table of `make attack` tells every deviation, and an attack that was not tried is one."""

import pytest

from deploy.local.installation import ROOT
from tests.attack.__main__ import report
from tests.attack.suites import SUITES, line_of
from tests.attack.tokens import Line

PASSED = '<testsuites><testsuite><testcase classname="a" name="b"/></testsuite></testsuites>'
FAILED = PASSED.replace(
    'name="b"/>', 'name="b"><failure/></testcase><testcase classname="a" name="c"><error/></testcase>'
)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([Line("one", 3)], 0),
        ([Line("one", 3), Line("another", 3, ["GET /x: 200"])], 1),
        ([Line("one", 3), Line("another", 0)], 1),
    ],
)
def test_the_command_fails_for_a_deviation_and_for_what_was_not_tried(lines, code, capsys):
    assert report(lines) == code
    told = capsys.readouterr().out
    assert all(one in told for line in lines for one in [line.attack, *line.deviations])


def test_a_test_that_fails_or_could_not_run_is_a_deviation():
    assert line_of("x", PASSED) == Line("x", 1)
    assert line_of("x", FAILED) == Line("x", 2, ["a::b", "a::c"])
    assert line_of("x", "<testsuites/>").deviations == ["no test was found"]


def test_every_file_of_the_attacks_is_there():
    assert [name for files in SUITES.values() for name in files if not (ROOT / name).exists()] == []
