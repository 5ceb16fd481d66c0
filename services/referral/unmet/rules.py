"""Which cells of the unmet needs are told (pure)."""

from collections.abc import Mapping
from typing import NamedTuple

from libs.events.codes import NeedCategory
from services.referral.suppression import Sum, Table, left_out


class Cell(NamedTuple):
    """Unmet needs of one category, in one area, for one reason."""

    category: NeedCategory
    area: str
    """Empty where it is not known."""
    reason: str


def not_told(counts: Mapping[Cell, int], *, below: int) -> set[Cell]:
    """The cells that are too small, and those that would give one away to who knows the sum of their category."""
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
