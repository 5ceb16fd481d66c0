"""Which numbers of statistics and of unmet needs are shown. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from libs.events.codes import NeedCategory
from services.referral.suppression import Sum, Table, left_out

_PARTS: Final = {
    "needs": ("open", "met", "refused", "closed"),
}
_WITHIN: Final = (
    ("offered", "needs"),
    ("accepted", "offered"),
    ("waitlisted", "open"),
    ("awaiting_review", "open"),
    ("owned", "open"),
)
"""Pairs of a number and the number that includes it. A reader can calculate their difference."""


def table_of(row: Mapping[str, int]) -> Table[str]:
    """One category's row with all numbers that can be calculated from it."""
    sums = [Sum(total, parts) for total, parts in _PARTS.items()]
    rest: dict[str, int] = {}
    for inner, outer in _WITHIN:
        if row[outer] >= row[inner]:
            others = f"{outer} but not {inner}"
            rest[others] = row[outer] - row[inner]
            sums.append(Sum(outer, (inner, others)))
    return Table({**row, **rest}, sums, implied=frozenset(rest))


def told(row: Mapping[str, int], *, below: int) -> dict[str, int | None]:
    """The row without small numbers, and without numbers that would reveal one of them."""
    hidden = left_out(table_of(row), below=below)
    return {name: None if name in hidden else value for name, value in row.items()}


def added_up(rows: Iterable[Mapping[str, int | None]], names: Collection[str]) -> dict[str, int | None]:
    """The sums of these numbers over categories. A sum with a number that is not shown is not shown either, so a reader
    learns nothing from the sums that the rows do not say."""
    found: dict[str, int | None] = dict.fromkeys(names, 0)
    for row in rows:
        for name in names:
            so_far, more = found[name], row[name]
            found[name] = None if so_far is None or more is None else so_far + more
    return found


_OfKind = tuple[bool, str | None, str]
"""Whether the number is of the whole category; its kind otherwise; its name."""


def table_of_kinds(rows: Mapping[str | None, Mapping[str, int]], shown: Mapping[str, int | None]) -> Table[_OfKind]:
    """The numbers of a category's kinds, with those of the whole category, which a reader sees as `shown`."""
    names = [name for total, parts in _PARTS.items() for name in (total, *parts)]
    counts = {(False, kind, name): row[name] for kind, row in rows.items() for name in names}
    whole = {(True, None, name): sum(row[name] for row in rows.values()) for name in names}
    sums = [Sum((True, None, name), tuple((False, kind, name) for kind in rows)) for name in names]
    for total, parts in _PARTS.items():
        owners = [*((False, kind) for kind in rows), (True, None)]
        sums += [Sum((*owner, total), tuple((*owner, part) for part in parts)) for owner in owners]
    known = frozenset(key for key in whole if shown[key[2]] is not None)
    return Table({**counts, **whole}, sums, known=known, implied=frozenset(whole) - known)


def told_kinds(
    rows: Mapping[str | None, Mapping[str, int]], shown: Mapping[str, int | None], *, below: int
) -> dict[str | None, dict[str, int | None]]:
    """The rows of a category's kinds without small numbers, and without numbers that would reveal one of them, also
    together with the numbers of the category that are `shown`. None: needs of which only the category is known."""
    hidden = left_out(table_of_kinds(rows, shown), below=below)
    return {
        kind: {name: None if (False, kind, name) in hidden else value for name, value in row.items()}
        for kind, row in rows.items()
    }


class By(StrEnum):
    """What a number of unmet needs is counted by, besides category and reason."""

    AREA = "area"
    KIND = "kind"
    ALL = "all"
    """Nothing: the sum, which no list shows."""


class Cell(NamedTuple):
    """Unmet needs of one category, in one area or of one kind, for one reason."""

    category: NeedCategory
    what: str
    """The area or the kind; empty if it is not known."""
    reason: str
    by: By


class Unmet(NamedTuple):
    """Unmet needs of one kind, in one area, for one reason."""

    category: NeedCategory
    kind: str
    area: str
    reason: str


def cells_of(counts: Mapping[Unmet, int]) -> dict[Cell, int]:
    """The numbers that the lists by area and by kind show, in the order of the lists."""
    found: Counter[Cell] = Counter()
    for one, count in counts.items():
        found[Cell(one.category, one.area, one.reason, By.AREA)] += count
        found[Cell(one.category, one.kind, one.reason, By.KIND)] += count
    return {cell: found[cell] for cell in sorted(found)}


def not_told(counts: Mapping[Cell, int], *, below: int) -> set[Cell]:
    """The cells that are too small, and those that would reveal one to a reader of both lists who also knows the sum of
    the category."""
    by_category: dict[NeedCategory, list[Cell]] = {}
    for cell in counts:
        by_category.setdefault(cell.category, []).append(cell)
    hidden: set[Cell] = set()
    for category, cells in by_category.items():
        hidden |= left_out(table_of_cells(category, {cell: counts[cell] for cell in cells}), below=below)
    return hidden


def table_of_cells(category: NeedCategory, counts: Mapping[Cell, int]) -> Table[Cell]:
    """The cells of one category in both lists, with the sums that a reader can calculate from either of them."""
    parts: dict[tuple[str, By], list[Cell]] = {}
    for cell in counts:
        parts.setdefault((cell.reason, cell.by), []).append(cell)
    of_reason = {reason: Cell(category, "", reason, By.ALL) for reason, _ in parts}
    total = Cell(category, "", "", By.ALL)
    sums = {of_reason[reason]: sum(counts[one] for one in parts[reason, By.AREA]) for reason in of_reason}
    return Table(
        {**counts, **sums, total: sum(sums.values())},
        [Sum(total, tuple(sums)), *(Sum(of_reason[reason], tuple(cells)) for (reason, _), cells in parts.items())],
        known=frozenset({total}),
        implied=frozenset(sums),
        lowest=1,
    )
