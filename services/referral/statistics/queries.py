"""Counts needs. Unmet needs are counted along indexes that contain only unmet needs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.codes import NeedCategory
from services.referral.access import Rights
from services.referral.lifecycles.rules import UNMET_ENDED, UNMET_OPEN
from services.referral.pack.policy import RoutingPolicy
from services.referral.statistics.rules import By, Cell, Unmet, added_up, cells_of, not_told, told, told_kinds
from services.referral.statistics.schemas import (
    CategoryStatistics,
    KindStatistics,
    NeedNumbers,
    StageStatistics,
    UnmetFilters,
)

_STATISTICS: Final = """
SELECT category, count(*) AS needs,
    count(*) FILTER (WHERE need.status = 'open') AS open,
    count(*) FILTER (WHERE offered.need_id IS NOT NULL) AS offered,
    count(*) FILTER (WHERE offered.accepted) AS accepted,
    count(*) FILTER (WHERE live.status = 'waitlisted') AS waitlisted,
    count(*) FILTER (WHERE live.status = 'awaiting_review') AS awaiting_review,
    count(*) FILTER (WHERE owner IS NOT NULL) AS owned,
    count(*) FILTER (WHERE need.status = 'met') AS met,
    count(*) FILTER (WHERE need.status = 'refused') AS refused,
    count(*) FILTER (WHERE need.status = 'closed') AS closed
FROM need
LEFT JOIN (SELECT need_id, bool_or(status = 'accepted') AS accepted FROM offer GROUP BY need_id) AS offered
    USING (need_id)
LEFT JOIN (SELECT need_id, status FROM referral WHERE status IN ('waitlisted', 'awaiting_review')) AS live
    USING (need_id)
WHERE ($1 OR NOT restricted) AND counted_until > $2 AND ($3::text IS NULL OR category = $3)
GROUP BY category ORDER BY category
"""


_KINDS: Final = """
SELECT kind, count(*) AS needs,
    count(*) FILTER (WHERE status = 'open') AS open,
    count(*) FILTER (WHERE status = 'met') AS met,
    count(*) FILTER (WHERE status = 'refused') AS refused,
    count(*) FILTER (WHERE status = 'closed') AS closed
FROM need WHERE ($1 OR NOT restricted) AND counted_until > $2 AND category = $3
GROUP BY kind ORDER BY kind NULLS FIRST
"""

_CELLS: Final = """
SELECT category, coalesce(kind, '') AS kind, coalesce(area, '') AS area, reason, sum(part_count)::bigint AS cell_count
FROM (
    SELECT category, kind, area, owner_reason AS reason, count(*) AS part_count FROM need
    WHERE {open} AND counted_until > $2{seen} GROUP BY category, kind, area, owner_reason
    UNION ALL
    SELECT category, kind, area, end_reason, count(*) FROM need
    WHERE {ended} AND ended_at > $1 AND counted_until > $2{seen} GROUP BY category, kind, area, end_reason
) AS part GROUP BY 1, 2, 3, 4
"""


async def statistics(
    session: AsyncSession, rights: Rights, *, small_below: int, category: NeedCategory | None = None
) -> list[CategoryStatistics]:
    """The states of the needs of people who have consented to be counted, by category, without small numbers."""
    rows = await (await raw(session)).fetch(_STATISTICS, rights.restricted, now(session), category)
    return [
        CategoryStatistics(
            category=row["category"],
            **told({name: value for name, value in row.items() if name != "category"}, below=small_below),
        )
        for row in rows
    ]


def by_stage(policy: RoutingPolicy, categories: Sequence[CategoryStatistics]) -> list[StageStatistics]:
    """The numbers of these categories added up for each stage of the mechanism."""
    names = NeedNumbers.model_fields.keys()
    rows = {stage.stage: list[dict[str, Any]]() for stage in policy.mechanism.stages}
    for one in categories:
        rows[policy.stage_of(one.category)].append(one.model_dump())
    return [
        StageStatistics(stage=stage.stage, name=stage.name, **added_up(rows[stage.stage], names))
        for stage in policy.mechanism.stages
    ]


async def kind_statistics(
    session: AsyncSession, rights: Rights, category: NeedCategory, *, small_below: int
) -> list[KindStatistics]:
    """The states of the needs of one category by kind, without small numbers, and without numbers that would reveal one
    together with the numbers of the category."""
    rows = await (await raw(session)).fetch(_KINDS, rights.restricted, now(session), category)
    kinds = {row["kind"]: {name: value for name, value in row.items() if name != "kind"} for row in rows}
    if not kinds:
        return []
    (whole,) = await statistics(session, rights, small_below=small_below, category=category)
    shown = told_kinds(kinds, whole.model_dump(), below=small_below)
    return [KindStatistics(kind=kind, **row) for kind, row in shown.items()]


def cells_statement(rights: Rights, *, ended_since: datetime, at: datetime) -> tuple[str, list[Any]]:
    """The statement and its values for the counts of unmet needs by category, kind, area and reason."""
    return _CELLS.format(open=UNMET_OPEN, ended=UNMET_ENDED, seen="" if rights.restricted else " AND NOT restricted"), [
        ended_since,
        at,
    ]


async def cells(
    session: AsyncSession,
    rights: Rights,
    filters: UnmetFilters,
    *,
    by: By,
    ended_since: datetime,
    small_below: int,
    after: Sequence[str] | None,
    limit: int,
) -> list[tuple[Cell, int | None]]:
    """Unmet needs by category, area or kind, and reason: all open ones and those that ended since `ended_since`.

    Returns up to one more than `limit`. None: the count is hidden. All cells are used to decide which counts are
    hidden, before the filters apply, so that a cell shows the same under every filter. The cost depends only on the
    unmet needs of that period.
    """
    statement, values = cells_statement(rights, ended_since=ended_since, at=now(session))
    rows = await (await raw(session)).fetch(statement, *values)
    counts = cells_of(
        {Unmet(row["category"], row["kind"], row["area"], row["reason"]): row["cell_count"] for row in rows}
    )
    hidden = not_told(counts, below=small_below)
    wanted = [
        cell
        for cell in counts
        if cell.by is by and _is_wanted(cell, filters) and (after is None or [*cell[:3]] > [*after])
    ]
    return [(cell, None if cell in hidden else counts[cell]) for cell in wanted[: limit + 1]]


def _is_wanted(cell: Cell, filters: UnmetFilters) -> bool:
    what = filters.area if cell.by is By.AREA else filters.kind
    pairs = ((cell.category, filters.category), (cell.what, what), (cell.reason, filters.reason))
    return all(wanted is None or found == wanted for found, wanted in pairs)
