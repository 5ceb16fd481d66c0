"""The failure table is complete: every row has a test that bears its name, and the README names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import libs.events

TESTS = Path(__file__).resolve().parents[1]
PAGE = Path(libs.events.__path__[0], "README.md")
ROWS = (
    *("a1", "a2", "a3"),
    *("r1", "r2", "r3", "r4", "r5", "r6", "r7"),
    *("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"),
    *("p1", "k1", "k2", "s1"),
)
PITFALLS = tuple(f"{number:02}" for number in range(1, 16))
TRAPS = (
    "test_trap_seek_is_no_barrier",
    "test_trap_a_position_past_the_end",
    "test_trap_a_broker_slow_to_return",
    "test_trap_a_send_that_waits_longer_than_it_said",
)
_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)
_ROW = re.compile(r"^\| ([ARCPKS]\d) \|.*\| ([^|]*) \|$", re.MULTILINE)


def names() -> list[str]:
    """The name of every test in the tree, as often as it is there."""
    return [name for file in sorted(TESTS.rglob("test_*.py")) for name in _TEST.findall(file.read_text("utf-8"))]


def table() -> dict[str, list[str]]:
    """For every row of the README's table the tests that it names."""
    return {row.lower(): re.findall(r"`(test_\w+)`", tests) for row, tests in _ROW.findall(PAGE.read_text("utf-8"))}


def test_every_row_every_pitfall_and_every_trap_has_a_test_that_begins_with_it() -> None:
    prefixes = [f"test_{row}_" for row in ROWS] + [f"test_pitfall_{number}_" for number in PITFALLS] + list(TRAPS)
    found = names()
    assert [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in found)] == []


def test_the_readme_has_every_row_and_names_tests_that_exist() -> None:
    """Seen to fail with a test renamed and with a row taken out of the page."""
    rows = table()
    assert list(rows) == sorted([*ROWS, "p2"], key=[*ROWS[:19], "p2", *ROWS[19:]].index)
    found = set(names())
    for row, tests in rows.items():
        assert tests or row == "p2", f"{row} names no test"
        assert [test for test in tests if not test.startswith(f"test_{row}_") or test not in found] == [], row


def test_the_readme_names_every_pitfall() -> None:
    listed = re.findall(r"^\| (\d\d) \| .+ \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert tuple(listed) == PITFALLS
