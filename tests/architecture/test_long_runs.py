"""Nobody hides a test in `make test-long`: each long test has a reason and a test of `make test` in one table."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.long_runs import FOUND, LONG_RUNS, LongRun

ROOT = Path(__file__).resolve().parents[2]
MAY_MARK = {"tests/long_runs.py", "tests/architecture/test_long_runs.py"}
EVERY = ".*"
NAMES = [one.test.rpartition("::")[2] for one in LONG_RUNS]


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _exists(test: str) -> bool:
    file, _, function = test.partition("::")
    return (ROOT / file).is_file() and function in _tests_of(file)


def _marks_itself(source: str) -> bool:
    return re.search(r"\bmark\.long\b|getattr\([^)]*mark[^)]*long", source) is not None


def test_no_test_marks_itself_as_long():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "tests/*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert len(listed) > 300
    marking = [
        name
        for name in listed
        if name not in MAY_MARK and (ROOT / name).exists() and _marks_itself((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert not marking, "a long test belongs into the table of tests/long_runs.py"


def test_a_test_has_one_entry():
    assert sorted(one.test for one in LONG_RUNS) == sorted({one.test for one in LONG_RUNS})


@pytest.mark.parametrize("entry", LONG_RUNS, ids=NAMES)
def test_a_long_test_exists_and_has_a_reason_and_tests_that_show_the_same_without_it(entry: LongRun):
    assert _exists(entry.test)
    assert len(entry.reason.split()) > 2
    assert entry.shown_by
    whole = {one.test for one in LONG_RUNS if one.cases == EVERY}
    for test in entry.shown_by:
        assert _exists(test), test
        assert test not in whole, f"{test} is long itself"


@pytest.mark.parametrize("entry", LONG_RUNS, ids=NAMES)
def test_an_entry_about_cases_leaves_some_to_make_test(entry: LongRun, request: pytest.FixtureRequest):
    """As far as this run has collected the cases: `make test` and `make test-long` collect all of them."""
    collected = request.config.stash[FOUND].get(entry.test)
    if collected is None or not request.config.getoption("markexpr"):
        return
    long = [nodeid for nodeid in collected if entry.has(nodeid)]
    assert long, "the table names cases that the test does not have"
    assert entry.cases == EVERY or len(long) < len(collected)


def test_make_test_leaves_out_what_is_long_and_nothing_else_does():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = dict(re.findall(r"^([a-z-]+):[^\n]*\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE))
    choosing = {name: re.findall(r"-m (long|\"[^\"]*\")", recipe) for name, recipe in recipes.items()}
    assert {name: chosen for name, chosen in choosing.items() if chosen} == {
        "test": ['"not long"'],
        "test-long": ["long"],
    }
