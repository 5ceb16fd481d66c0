"""The table of the ASVS: whole, with a reason for each gap, and with places and tests that are there."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.asvs.page import PAGE, page
from deploy.asvs.table import Requirement, State, Table, faults, levels, table

ROOT = Path(__file__).resolve().parents[2]
WANTED = {"V1.1.1": 1, "V1.1.2": 2}
TEST = "tests/test_things.py::test_a_thing"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_things.py").write_text(
        "LIMIT = 1\nclass Look:\n    async def test_a_thing(self): ...\ndef helper(): ...\n", encoding="utf-8"
    )
    (tmp_path / "things.yaml").write_text("things: 3\n", encoding="utf-8")
    return tmp_path


def line(id_: str = "V1.1.1", state: str = "met", **more: object) -> Requirement:
    return Requirement.model_validate({"id": id_, "asks": "things", "state": state, **more})


def told(*lines: Requirement, **reasons: str) -> Table:
    return Table(reasons=reasons, requirements=lines)


GOOD = line(code=("things.yaml::things", "tests/test_things.py::LIMIT", "tests"), tests=(TEST,))
OPEN = line("V1.1.2", "open", why="it is missing")


def test_the_table_is_whole_and_true():
    assert faults(table(), levels().requirements, ROOT) == []
    assert len(levels().requirements) == 253
    assert set(levels().requirements.values()) == {1, 2}


def test_the_page_is_up_to_date():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "run `python -m deploy.asvs write`"


def test_every_requirement_is_on_the_page_and_what_is_open_before_the_chapters():
    text = page()
    assert all(text.count(f"\n| {id_} |") == 1 + _is_open(id_) for id_ in levels().requirements)
    words = " ".join(text.split())
    assert levels().licence in words
    assert levels().copyright in words


def _is_open(id_: str) -> bool:
    return any(one.id == id_ and one.state is State.OPEN for one in table().requirements)


def test_a_sound_table_has_no_fault(root: Path):
    assert faults(told(GOOD, OPEN), WANTED, root) == []
    shared = line("V1.1.2", "not applicable", because="none")
    assert faults(told(GOOD, shared, none="there is none"), WANTED, root) == []


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([GOOD], "V1.1.2 is not in the table"),
        ([GOOD, OPEN, line("V9.9.9", "open", why="x")], "V9.9.9 is not among the requirements"),
        ([OPEN, GOOD], "in the order"),
        ([GOOD, OPEN, OPEN], "stands once"),
        ([GOOD, line("V1.1.2", "open")], "V1.1.2: open without a reason"),
        ([GOOD, line("V1.1.2", "not applicable")], "V1.1.2: not applicable without a reason"),
        ([GOOD, line("V1.1.2", "open", because="nobody")], "V1.1.2: there is no reason nobody"),
        ([GOOD, line("V1.1.2", "not applicable", why="x", code=("tests",))], "and yet there is code"),
        ([line(tests=(TEST,)), OPEN], "met without a place"),
        ([line(code=("tests",)), OPEN], "met without a test"),
        ([line(code=("gone.py",), why="x"), OPEN], "there is no gone.py"),
        ([line(code=("tests/test_things.py::gone",), why="x"), OPEN], "there is no tests/test_things.py::gone"),
        ([line(code=("things.yaml::gone",), why="x"), OPEN], "there is no things.yaml::gone"),
        ([line(code=("tests",), tests=("tests/test_things.py::test_gone",)), OPEN], "test_gone"),
        ([line(code=("tests",), tests=("tests/test_things.py::helper",)), OPEN], "names no test"),
        ([line(code=("tests",), tests=("things.yaml::test_a",)), OPEN], "names no test"),
    ],
)
def test_each_fault_is_named(root: Path, lines: list[Requirement], fault: str):
    assert any(fault in found for found in faults(told(*lines), WANTED, root))


def test_a_reason_that_nobody_has_is_named(root: Path):
    assert faults(told(GOOD, OPEN, idle="x"), WANTED, root) == ["no line has the reason idle"]


def test_a_line_of_another_form_is_refused():
    for wrong in ({"state": "done"}, {"id": "1.1.1"}, {"asks": ""}, {"level": 1}):
        with pytest.raises(ValidationError):
            Requirement.model_validate({"id": "V1.1.1", "asks": "things", "state": "met", **wrong})
