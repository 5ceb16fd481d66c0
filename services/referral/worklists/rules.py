"""Which numbers of a category's row are told (pure)."""

from collections.abc import Mapping
from typing import Final

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
"""What is part of what: the difference is a number too."""


def table_of(row: Mapping[str, int]) -> Table[str]:
    """One category's row with all that can be worked out from it."""
    sums = [Sum(total, parts) for total, parts in _PARTS.items()]
    rest: dict[str, int] = {}
    for inner, outer in _WITHIN:
        if row[outer] >= row[inner]:
            others = f"{outer} but not {inner}"
            rest[others] = row[outer] - row[inner]
            sums.append(Sum(outer, (inner, others)))
    return Table({**row, **rest}, sums, implied=frozenset(rest))


def told(row: Mapping[str, int], *, below: int) -> dict[str, int | None]:
    """The row without the numbers that are small, and without those that would give one away."""
    hidden = left_out(table_of(row), below=below)
    return {name: None if name in hidden else value for name, value in row.items()}
