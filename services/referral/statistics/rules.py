"""Which numbers of statistics and of unmet needs are shown. Pure."""

from collections.abc import Mapping
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


class Cell(NamedTuple):
    """Unmet needs of one category, in one area, for one reason."""

    category: NeedCategory
    area: str
    """Empty if the area is not known."""
    reason: str


def not_told(counts: Mapping[Cell, int], *, below: int) -> set[Cell]:
    """The cells that are too small, and those that would reveal one to a reader who knows the sum of the category."""
    by_category: dict[NeedCategory, list[Cell]] = {}
    for cell in counts:
        by_category.setdefault(cell.category, []).append(cell)
    hidden: set[Cell] = set()
    for category, cells in by_category.items():
        total = Cell(category, "", "")
        table = Table(
            {**{cell: counts[cell] for cell in cells}, total: sum(counts[cell] for cell in cells)},
            [Sum(total, tuple(cells))],
            known=frozenset({total}),
            lowest=1,
        )
        hidden |= left_out(table, below=below)
    return hidden
