"""Counting unmet needs, along indexes that hold nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.journeys.access import Rights
from services.referral.journeys.rules import UNMET_ENDED, UNMET_OPEN
from services.referral.unmet.schemas import Filters, UnmetView

_CELLS: Final = """
SELECT category, nullif(area, '') AS area, reason, cell_count FROM (
    SELECT category, coalesce(area, '') AS area, reason, sum(part_count)::bigint AS cell_count FROM (
        SELECT category, area, owner_reason AS reason, count(*) AS part_count FROM need
        WHERE {open}{seen} GROUP BY category, area, owner_reason
        UNION ALL
        SELECT category, area, end_reason, count(*) FROM need
        WHERE {ended} AND ended_at > $1{seen} GROUP BY category, area, end_reason
    ) AS part GROUP BY 1, 2, 3
) AS cell{where} ORDER BY cell.category, cell.area, cell.reason LIMIT {most}
"""


def cells_statement(
    rights: Rights, filters: Filters, *, ended_since: datetime, after: Sequence[str] | None, limit: int
) -> tuple[str, list[Any]]:
    """The page of cells after that of `after` (category, area, reason), one more than `limit`; statement and values."""
    values: list[Any] = [ended_since]
    conditions: list[str] = []
    for column, value in (("category", filters.category), ("area", filters.area), ("reason", filters.reason)):
        if value is not None:
            values.append(value)
            conditions.append(f"cell.{column} = ${len(values)}")
    if after is not None:
        conditions.append(
            f"(cell.category, cell.area, cell.reason) > (${len(values) + 1}, ${len(values) + 2}, ${len(values) + 3})"
        )
        values += after
    values.append(limit + 1)
    return _CELLS.format(
        open=UNMET_OPEN,
        ended=UNMET_ENDED,
        seen="" if rights.restricted else " AND NOT restricted",
        where=f" WHERE {' AND '.join(conditions)}" if conditions else "",
        most=f"${len(values)}",
    ), values


async def cells(
    session: AsyncSession,
    rights: Rights,
    filters: Filters,
    *,
    ended_since: datetime,
    small_below: int,
    after: Sequence[str] | None,
    limit: int,
) -> list[UnmetView]:
    """Unmet needs by category, area and reason: all open ones, and those that ended since; one more than `limit`.

    Costs what the unmet needs of that time cost to count, however many needs were met.
    """
    statement, values = cells_statement(rights, filters, ended_since=ended_since, after=after, limit=limit)
    rows = await (await raw(session)).fetch(statement, *values)
    return [_view(row, small_below) for row in rows]


def _view(row: Any, small_below: int) -> UnmetView:
    small = row["cell_count"] < small_below
    return UnmetView(
        category=row["category"],
        area=row["area"],
        reason=row["reason"],
        count=None if small else row["cell_count"],
        suppressed=small,
    )
