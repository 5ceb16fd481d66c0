"""Decides which counts of a table are not shown, so that nobody can calculate a small count. Pure.

A small count in a small place can identify a person (domain P22). A count below the limit is small. Zero is not small,
because it identifies nobody. It is not enough to hide the small counts: a reader could subtract the other parts from
a total. Therefore more counts are hidden, until no reader can tell whether a hidden small count is small.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as count_from
from math import inf
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Sum(Generic[Key]):
    """A total and its parts. The parts include those that are never shown but could be calculated by subtraction."""

    total: Key
    parts: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Table(Generic[Key]):
    """Counts and the sums between them."""

    counts: Mapping[Key, int]
    sums: Sequence[Sum[Key]] = ()
    known: frozenset[Key] = frozenset()
    """Counts that a reader may know from other sources. Hiding them would have no effect."""
    implied: frozenset[Key] = frozenset()
    """Counts that are never shown. If they are small, it must not be possible to calculate them either."""
    lowest: int = 0
    """The lowest value that a count can have: 1 if rows with a count of zero are not in the table."""


def left_out(table: Table[Key], *, below: int) -> set[Key]:
    """The counts that must be hidden: the small ones, and others that would allow a reader to calculate them."""
    small = {key for key, value in table.counts.items() if 0 < value < below and key not in table.known}
    hidden = small | table.implied
    while True:
        known = ranges(table, hidden)
        exposed = [key for key in _in_order(table, small) if _is_exposed(table, known[key], key, below=below)]
        more = next((found for key in exposed if (found := _neighbour(table, hidden, key)) is not None), None)
        if more is None:
            return hidden - table.implied
        hidden = hidden | {more}


def ranges(table: Table[Key], hidden: set[Key]) -> dict[Key, tuple[float, float]]:
    """The lowest and the highest possible value of each count, as a reader can calculate them from the shown counts."""
    known = {
        key: (float(value), float(value)) if key not in hidden else (float(_lowest(table, key)), inf)
        for key, value in table.counts.items()
    }
    for _ in count_from():
        before = dict(known)
        for one in table.sums:
            _narrow(known, one)
        if known == before:
            break
    return known


def _narrow(known: dict[Key, tuple[float, float]], one: Sum[Key]) -> None:
    least, most = sum(known[part][0] for part in one.parts), sum(known[part][1] for part in one.parts)
    known[one.total] = max(known[one.total][0], least), min(known[one.total][1], most)
    total_least, total_most = known[one.total]
    for part in one.parts:
        others_least = sum(known[other][0] for other in one.parts if other != part)
        others_most = sum(known[other][1] for other in one.parts if other != part)
        known[part] = max(known[part][0], total_least - others_most), min(known[part][1], total_most - others_least)


def _is_exposed(table: Table[Key], known: tuple[float, float], key: Key, *, below: int) -> bool:
    """True if a reader can tell that this count is below the limit, or that it is above 1 and above `lowest`."""
    least, most = known
    return least > max(1, _lowest(table, key)) or most < below


def _neighbour(table: Table[Key], hidden: set[Key], key: Key) -> Key | None:
    """The smallest shown count in the sums with this count. If they show none, the sums that share a count with them
    are searched, and so on. Counts above zero are preferred."""
    reached, seen = {key}, set[Key]()
    while reached != seen:
        seen = set(reached)
        near = [one for one in table.sums if seen & {one.total, *one.parts}]
        reached |= {other for one in near for other in (one.total, *one.parts)}
        told = reached - hidden - table.known
        if told:
            return min(_in_order(table, told), key=lambda one: (table.counts[one] == 0, table.counts[one]))
    return None


def _in_order(table: Table[Key], keys: set[Key]) -> list[Key]:
    return [key for key in table.counts if key in keys]


def _lowest(table: Table[Key], key: Key) -> int:
    return 0 if key in table.implied else table.lowest
