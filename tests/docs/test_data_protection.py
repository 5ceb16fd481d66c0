"""The page of the 30 rules for personal data: whole, with code and tests that are there, and with an honest state."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "data-protection.md"
RULES = [f"P{number}" for number in range(1, 31)]
SEEN = "## Guards that were taken out"
STATES = re.compile(r"holds|(?:partly|open): \S.*")
PLACE = re.compile(r"`([^`]+)`")


class Line(NamedTuple):
    """A rule with its state and where it is kept and tested."""

    rule: str
    asks: str
    state: str
    places: list[str]
    tests: list[str]


class Guard(NamedTuple):
    """A guard that somebody took out to see the test fail."""

    rule: str
    test: str
    day: str


def cells_of(text: str) -> Iterator[list[str]]:
    """The cells of each row of a table that is about a rule."""
    for row in re.findall(r"^\| (P\d+ \|.*) \|$", text, re.MULTILINE):
        yield [cell.strip() for cell in row.split(" | ")]


def read(text: str) -> tuple[list[Line], list[Guard]]:
    rules, _, seen = text.partition(f"\n{SEEN}\n")
    lines = [Line(*cells[:3], PLACE.findall(cells[3]), PLACE.findall(cells[4])) for cells in cells_of(rules)]
    return lines, [Guard(cells[0], PLACE.findall(cells[2])[0], cells[3]) for cells in cells_of(seen)]


def faults(text: str, root: Path) -> list[str]:
    """What is wrong with the page, one line each."""
    lines, guards = read(text)
    found = [] if [line.rule for line in lines] == RULES else ["each rule from P1 to P30 stands once, in order"]
    for line in lines:
        found += [f"{line.rule}: {fault}" for fault in faults_of(line, root)]
    by_rule = {line.rule: line for line in lines}
    for guard in guards:
        if guard.rule not in by_rule or guard.test not in by_rule[guard.rule].tests:
            found.append(f"{guard.rule}: {guard.test} is not a test of this rule")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", guard.day) or date.fromisoformat(guard.day) < date(2026, 1, 1):
            found.append(f"{guard.rule}: {guard.day} is no day")
    seen = {guard.rule for guard in guards}
    return found + [f"{one.rule}: holds, and nobody saw it fail" for one in lines if lacks(one, seen)]


def lacks(line: Line, seen: set[str]) -> bool:
    return line.state == "holds" and line.rule not in seen


def faults_of(line: Line, root: Path) -> Iterator[str]:
    if not STATES.fullmatch(line.state):
        yield f"{line.state!r} is no state; holds, partly: what is missing, open: what is missing"
    if not line.state.startswith("open") and not (line.places and line.tests):
        yield "a rule that holds, also partly, names code and a test"
    yield from (f"there is no {place}" for place in line.places if not exists(root, place))
    for test in line.tests:
        path, _, name = test.partition("::")
        if not path.startswith("tests/") or not name.startswith("test_"):
            yield f"{test} names no test"
        elif not (root / path).is_file() or name not in collected_from(root / path):
            yield f"there is no {test}"


def exists(root: Path, place: str) -> bool:
    path, _, name = place.partition("::")
    file = root / path
    if not file.is_file() or not name:
        return False
    if file.suffix == ".py":
        return name in names_of(file)
    return name in file.read_text(encoding="utf-8")


@cache
def names_of(file: Path) -> frozenset[str]:
    """What a module defines: functions, classes and values, also inside of classes."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)


@cache
def collected_from(file: Path) -> frozenset[str]:
    """The test functions that pytest collects from a module."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_the_page_is_whole_and_true():
    assert faults(PAGE.read_text(encoding="utf-8"), ROOT) == []


def counted(states: Counter[str]) -> str:
    """The sentence that counts the rules by their state; a verb after one rule is in the singular."""
    held, partly, still_open = states["holds"], states["partly"], states["open"]
    first = f"{held} rule holds" if held == 1 else f"{held} rules hold"
    second = f"{partly} {'holds' if partly == 1 else 'hold'} partly"
    return f"{first}, {second}, and {still_open} {'is' if still_open == 1 else 'are'} open."


def test_the_page_counts_its_states():
    text = PAGE.read_text(encoding="utf-8")
    assert counted(Counter(line.state.partition(":")[0] for line in read(text)[0])) in text


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ({"holds": 18, "partly": 11, "open": 1}, "18 rules hold, 11 hold partly, and 1 is open."),
        ({"holds": 1, "partly": 1, "open": 28}, "1 rule holds, 1 holds partly, and 28 are open."),
        ({"holds": 30}, "30 rules hold, 0 hold partly, and 0 are open."),
    ],
)
def test_the_sentence_has_the_right_verbs(states: dict[str, int], sentence: str):
    assert counted(Counter(states)) == sentence


def test_the_page_is_found_from_the_others():
    for page in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/security.md", "docs/security/policies.md"):
        assert "data-protection.md" in (ROOT / page).read_text(encoding="utf-8"), page


CODE, TEST = "`libs/things.py::Thing`", "`tests/test_things.py::test_a_thing`"
GOOD = {rule: ["It asks.", "holds", CODE, TEST] for rule in RULES}


def page(seen: list[list[str]] | None = None, rules: dict[str, list[str]] | None = None, more: str = "") -> str:
    rows = [f"| {rule} | {' | '.join(cells)} |" for rule, cells in (GOOD | (rules or {})).items() if cells]
    told = [[rule, "The guard", TEST, "2026-11-30"] for rule in RULES] if seen is None else seen
    guards = [f"| {' | '.join(cells)} |" for cells in told]
    return "\n".join(["# Page", *rows, more, SEEN, *guards, ""])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, text in (("libs", "class Thing: ...\n"), ("tests", "async def test_a_thing(): ...\ndef help(): ...\n")):
        (tmp_path / folder).mkdir()
        name = "things.py" if folder == "libs" else "test_things.py"
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_sound_page_has_no_fault(root: Path):
    assert faults(page(), root) == []
    others = [[rule, "The guard", TEST, "2026-11-30"] for rule in RULES if rule != "P5"]
    assert faults(page(others, {"P5": ["It asks.", "open: nothing is built", "–", "–"]}), root) == []


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"P7": []}, "each rule from P1 to P30 stands once"),
        ({"P7": ["It asks.", "nearly", CODE, TEST]}, "P7: 'nearly' is no state"),
        ({"P7": ["It asks.", "partly", CODE, TEST]}, "P7: 'partly' is no state"),
        ({"P7": ["It asks.", "partly: a test", CODE, "–"]}, "P7: a rule that holds, also partly, names"),
        ({"P7": ["It asks.", "holds", "–", TEST]}, "P7: a rule that holds, also partly, names"),
        ({"P7": ["It asks.", "holds", "`libs/things.py::Gone`", TEST]}, "P7: there is no libs/things.py::Gone"),
        ({"P7": ["It asks.", "holds", "`libs/gone.py::Thing`", TEST]}, "P7: there is no libs/gone.py::Thing"),
        ({"P7": ["It asks.", "holds", "`libs/things.py`", TEST]}, "P7: there is no libs/things.py"),
        ({"P7": ["It asks.", "holds", CODE, "`tests/test_things.py::test_gone`"]}, "P7: there is no tests/test_things"),
        ({"P7": ["It asks.", "holds", CODE, "`tests/test_things.py::help`"]}, "names no test"),
        ({"P7": ["It asks.", "holds", CODE, "`libs/things.py::test_a_thing`"]}, "names no test"),
    ],
)
def test_each_fault_of_a_rule_is_named(root: Path, rules: dict[str, list[str]], fault: str):
    assert any(fault in found for found in faults(page(rules=rules), root))


def test_a_rule_that_stands_twice_is_named(root: Path):
    twice = f"| P7 | It asks. | holds | {CODE} | {TEST} |"
    assert "each rule from P1 to P30 stands once, in order" in faults(page(more=twice), root)


@pytest.mark.parametrize(
    ("guard", "fault"),
    [
        (["P7", "The guard", "`tests/test_things.py::test_other`", "2026-11-30"], "is not a test of this rule"),
        (["P31", "The guard", TEST, "2026-11-30"], "P31: tests/test_things.py::test_a_thing is not a test"),
        (["P7", "The guard", TEST, "lately"], "P7: lately is no day"),
    ],
)
def test_each_fault_of_a_guard_is_named(root: Path, guard: list[str], fault: str):
    assert any(fault in found for found in faults(page(seen=[guard]), root))


def test_a_rule_holds_only_if_its_test_was_seen_to_fail(root: Path):
    assert "P7: holds, and nobody saw it fail" in faults(page(seen=[]), root)
