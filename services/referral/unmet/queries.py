"""Counting unmet needs, along indexes that hold nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.codes import NeedCategory
from services.referral.access import Rights
from services.referral.lifecycles.rules import UNMET_ENDED, UNMET_OPEN
from services.referral.unmet.rules import Cell, not_told
from services.referral.unmet.schemas import Filters, UnmetView

_CELLS: Final = """
SELECT category, coalesce(area, '') AS area, reason, sum(part_count)::bigint AS cell_count FROM (
    SELECT category, area, owner_reason AS reason, count(*) AS part_count FROM need
    WHERE {open} AND counted_until > $2{seen} GROUP BY category, area, owner_reason
    UNION ALL
    SELECT category, area, end_reason, count(*) FROM need
    WHERE {ended} AND ended_at > $1 AND counted_until > $2{seen} GROUP BY category, area, end_reason
) AS part GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def cells_statement(rights: Rights, *, ended_since: datetime, at: datetime) -> tuple[str, list[Any]]:
    """All cells, in order; statement and values."""
    return _CELLS.format(open=UNMET_OPEN, ended=UNMET_ENDED, seen="" if rights.restricted else " AND NOT restricted"), [
        ended_since,
        at,
    ]


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

    What is left out is decided over all cells, before they are narrowed: a cell reads the same under every filter.
    Costs what the unmet needs of that time cost to count, however many needs were met.
    """
    statement, values = cells_statement(rights, ended_since=ended_since, at=now(session))
    rows = await (await raw(session)).fetch(statement, *values)
    counts = {Cell(NeedCategory(row["category"]), row["area"], row["reason"]): row["cell_count"] for row in rows}
    hidden = not_told(counts, below=small_below)
    wanted = [cell for cell in counts if _is_wanted(cell, filters) and (after is None or [*cell] > [*after])]
    return [_view(cell, None if cell in hidden else counts[cell]) for cell in wanted[: limit + 1]]


def _is_wanted(cell: Cell, filters: Filters) -> bool:
    pairs = ((cell.category, filters.category), (cell.area, filters.area), (cell.reason, filters.reason))
    return all(wanted is None or found == wanted for found, wanted in pairs)


def _view(cell: Cell, count: int | None) -> UnmetView:
    return UnmetView(
        category=cell.category,
        area=cell.area or None,
        reason=cell.reason,
        count=count,
        suppressed=count is None,
    )
