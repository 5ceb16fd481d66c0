"""Reading absences and hand-overs, and whose work somebody sees now."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.ownership.rules import Absence
from services.referral.ownership.schemas import AbsenceView, HandOverView

_ABSENCES = """
SELECT absence_id AS id, desk, deputy, starts_at, ends_at, reason, made_by, made_at FROM absence
WHERE desk = $1 AND cancelled_at IS NULL AND ends_at > $2
"""

# A chain of deputies is followed to its end: who stands in for a deputy sees the work of both.
_COVERED = """
WITH RECURSIVE covered(desk) AS (
    SELECT unnest($1::text[])
    UNION
    SELECT absence.desk FROM absence JOIN covered ON absence.deputy = covered.desk
    WHERE absence.cancelled_at IS NULL AND absence.starts_at <= $2 AND absence.ends_at > $2
)
SELECT desk FROM covered ORDER BY desk
"""

_HAND_OVER = """
SELECT hand_over_id AS id, from_desk, to_desk, made_at, moved_count, finished_at FROM hand_over
WHERE hand_over_id = $1 AND ($2 OR NOT restricted)
"""


async def covered_desks(session: AsyncSession, desks: Collection[str]) -> list[str]:
    """These desks and those for which they stand in now."""
    rows = await (await raw(session)).fetch(_COVERED, sorted(desks), now(session))
    return [row["desk"] for row in rows]


async def absence_views(
    session: AsyncSession, desk: str, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[AbsenceView]:
    """Absences of a desk that have not ended, the first to end first; one more than `limit`."""
    ends_at, absence_id = after or (None, None)
    rows = await (await raw(session)).fetch(
        f"{_ABSENCES} AND ($3::timestamptz IS NULL OR (ends_at, absence_id) > ($3, $4))"
        " ORDER BY ends_at, absence_id LIMIT $5",
        desk,
        now(session),
        ends_at,
        absence_id,
        limit + 1,
    )
    return [AbsenceView.model_validate(dict(row)) for row in rows]


async def absence_view(session: AsyncSession, absence_id: UUID) -> AbsenceView:
    """One absence, also one that is over, or NotFound."""
    row = await (await raw(session)).fetchrow(
        "SELECT absence_id AS id, desk, deputy, starts_at, ends_at, reason, made_by, made_at FROM absence"
        " WHERE absence_id = $1",
        absence_id,
    )
    if row is None:
        raise NotFound("There is no such absence")
    return AbsenceView.model_validate(dict(row))


async def absences_to_come(session: AsyncSession) -> list[Absence]:
    """Every absence that lasts or will begin."""
    rows = await (await raw(session)).fetch(
        "SELECT desk, deputy, starts_at, ends_at FROM absence WHERE cancelled_at IS NULL AND ends_at > $1",
        now(session),
    )
    return [Absence(**row) for row in rows]


async def hand_over_view(session: AsyncSession, rights: Rights, hand_over_id: UUID) -> HandOverView:
    """One hand-over, or NotFound. One that moves restricted needs too is for those who may see them."""
    row = await (await raw(session)).fetchrow(_HAND_OVER, hand_over_id, rights.restricted)
    if row is None:
        raise NotFound("There is no such hand-over")
    return HandOverView.model_validate(dict(row))
