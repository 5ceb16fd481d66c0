"""Reads stays, and the lists of stays that the caller may see."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.journeys.facts import Stay
from services.referral.lifecycles.exit_plan import NextStep, from_document, open_items
from services.referral.stays.schemas import PlanItemView, StayCountsView, StayEntryView, StayView, WatchedStayView

Cursor = tuple[datetime, UUID]
"""A position in a list: the time of leaving and the referral."""
BEGINNING: Cursor = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
"""The position before all stays."""

_COLUMNS = ", ".join(f"stay.{field.name}" for field in fields(Stay))
_SEEN = "($1::uuid IS NULL OR stay.organization_id = $1) AND ($2 OR NOT stay.restricted)"
_CODE = "(SELECT case_code FROM journey WHERE journey.returnee_id = stay.returnee_id) AS case_code"
_IN_ORDER = "ORDER BY stay.leaves_at, stay.referral_id LIMIT"


@dataclass(frozen=True, slots=True)
class Watch:
    """Which stays a list for staff of the network shows."""

    desk: str | None
    """Only the stays for which this desk is responsible. None: all stays."""
    leads: Mapping[str, str]
    """The lead desk of each category. It is responsible if a need has no owner."""

    @property
    def categories(self) -> list[str]:
        """The categories that the desk leads."""
        return [category for category, lead in self.leads.items() if lead == self.desk]


async def returnee_of(session: AsyncSession, rights: Rights, referral_id: UUID) -> UUID:
    """The returnee of the stay, or NotFound."""
    found = await (await raw(session)).fetchval(
        f"SELECT returnee_id FROM stay WHERE referral_id = $3 AND {_SEEN}",  # noqa: S608 (a constant)
        rights.organization_id,
        rights.restricted,
        referral_id,
    )
    if found is None:
        raise NotFound("There is no such stay")
    return UUID(str(found))


async def load(session: AsyncSession, referral_ids: Collection[UUID]) -> dict[UUID, Stay]:
    """The stays of these referrals. Their journeys are already locked."""
    rows = await (await raw(session)).fetch(
        f"SELECT {_COLUMNS} FROM stay WHERE referral_id = ANY($1::uuid[])",  # noqa: S608 (constants)
        sorted(referral_ids),
    )
    return {row["referral_id"]: _stay_of(row) for row in rows}


async def stay_view(session: AsyncSession, rights: Rights, referral_id: UUID) -> StayView:
    """The stay of one referral, or NotFound."""
    row = await (await raw(session)).fetchrow(
        f"SELECT {_COLUMNS}, {_CODE} FROM stay WHERE referral_id = $3 AND {_SEEN}",  # noqa: S608 (constants)
        rights.organization_id,
        rights.restricted,
        referral_id,
    )
    if row is None:
        raise NotFound("There is no such stay")
    values = dict(row)
    code = values.pop("case_code")
    stay = _stay_of(values)
    staff = rights.organization_id is None
    items = {
        item: PlanItemView(status=one.status, at=one.at, by=one.by if staff else None)
        for item, one in stay.checklist.items()
    }
    shown = {name: getattr(stay, name) for name in StayView.model_fields if hasattr(stay, name)}
    return StayView(**shown, case_code=code, items=items, planned=stay.is_planned)


async def running_stays(session: AsyncSession, rights: Rights, *, after: Cursor, limit: int) -> list[StayEntryView]:
    """Stays that have not ended, the earliest end first. Returns up to one more than `limit`."""
    whose = "$1::uuid IS NULL" if rights.organization_id is None else "stay.organization_id = $1"
    rows = await (await raw(session)).fetch(
        f"SELECT {_COLUMNS}, {_CODE} FROM stay WHERE stay.ended_at IS NULL AND {whose} AND ($2 OR NOT stay.restricted)"  # noqa: S608
        f" AND (stay.leaves_at, stay.referral_id) > ($3, $4) {_IN_ORDER} $5",
        rights.organization_id,
        rights.restricted,
        *after,
        limit + 1,
    )
    return [StayEntryView(**_entry(row)) for row in rows]


_WATCHED = f"""
SELECT {_COLUMNS}, {_CODE}, need.owner FROM stay JOIN need ON need.need_id = stay.need_id
WHERE ($1 OR NOT stay.restricted)
  AND ($2::text IS NULL OR need.owner = $2 OR (need.owner IS NULL AND stay.category = ANY($3::text[])))
  AND (stay.leaves_at, stay.referral_id) > ($4, $5)
"""  # noqa: S608 (constants)

_THERE = {None: "", True: "AND stay.ended_at IS NULL", False: "AND stay.ended_at IS NOT NULL"}


def leaving_statement(*, still_there: bool | None) -> str:
    """The statement for stays with gaps in their plan that end by $6. Each value of `still_there` has its own index."""
    return f"{_WATCHED} AND without_next_step AND stay.leaves_at <= $6 {_THERE[still_there]} {_IN_ORDER} $7"


EXITS = f"""
SELECT * FROM (
    ({_WATCHED} AND stay.ended_at IS NULL AND stay.leaves_at < $7 {_IN_ORDER} $8)
    UNION ALL
    ({_WATCHED} AND stay.ended_at IS NOT NULL AND stay.leaves_at >= $6 AND stay.leaves_at < $7 {_IN_ORDER} $8)
) AS exits ORDER BY leaves_at, referral_id LIMIT $8
"""  # noqa: S608 (constants)
"""Stays that end or ended between $6 and $7, and stays that should have ended before. Each half has an index."""

_COUNTS = """
SELECT count(*) FILTER (WHERE stay.ended_at IS NULL) AS running,
    count(*) FILTER (WHERE stay.ended_at IS NULL AND leaves_at <= $4) AS over,
    count(*) FILTER (WHERE leaves_at < $6 AND (stay.ended_at IS NULL OR leaves_at >= $5)) AS exits_today,
    count(*) FILTER (WHERE without_next_step AND leaves_at <= $7) AS leaving_without_next_step
FROM stay JOIN need ON need.need_id = stay.need_id
WHERE (stay.ended_at IS NULL OR without_next_step OR leaves_at >= $5) AND ($1 OR NOT stay.restricted)
  AND ($2::text IS NULL OR need.owner = $2 OR (need.owner IS NULL AND stay.category = ANY($3::text[])))
"""


async def leaving_without_next_step(
    session: AsyncSession,
    rights: Rights,
    watch: Watch,
    *,
    at: datetime,
    until: datetime,
    still_there: bool | None,
    after: Cursor,
    limit: int,
) -> list[WatchedStayView]:
    """Stays with gaps in their plan that have ended or end by `until`, the earliest first. Up to one more than
    `limit`."""
    rows = await (await raw(session)).fetch(
        leaving_statement(still_there=still_there),
        rights.restricted,
        watch.desk,
        watch.categories,
        *after,
        until,
        limit + 1,
    )
    return [_watched(row, watch, at=at) for row in rows]


async def exits(
    session: AsyncSession,
    rights: Rights,
    watch: Watch,
    *,
    at: datetime,
    day: tuple[datetime, datetime],
    after: Cursor,
    limit: int,
) -> list[WatchedStayView]:
    """Stays that end or ended on this day, and stays that should have ended before. Up to one more than `limit`."""
    rows = await (await raw(session)).fetch(
        EXITS, rights.restricted, watch.desk, watch.categories, *after, *day, limit + 1
    )
    return [_watched(row, watch, at=at) for row in rows]


async def counts(
    session: AsyncSession,
    rights: Rights,
    watch: Watch,
    *,
    at: datetime,
    day: tuple[datetime, datetime],
    until: datetime,
) -> StayCountsView:
    """The number of stays on each list."""
    row = await (await raw(session)).fetchrow(_COUNTS, rights.restricted, watch.desk, watch.categories, at, *day, until)
    assert row is not None
    return StayCountsView(**row)


def _stay_of(row: Mapping[str, Any]) -> Stay:
    values = dict(row)
    values["next_step"] = NextStep(values["next_step"])
    values["checklist"] = from_document(values["checklist"])
    return Stay(**values)


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "open_items": open_items(from_document(row["checklist"]))}


def _watched(row: Mapping[str, Any], watch: Watch, *, at: datetime) -> WatchedStayView:
    desk = row["owner"] or watch.leads[row["category"]]
    over = row["ended_at"] is None and row["ends_at"] <= at
    return WatchedStayView(**_entry(row), desk=desk, over=over)
