"""Reads owned needs, absences and hand-overs, and the desks whose work a deputy sees now."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.lifecycles.rules import LIVE_REFERRAL, in_sql
from services.referral.ownership.rules import Absence
from services.referral.ownership.schemas import AbsenceView, HandOverView, OwnedNeedView

_ABSENCES = """
SELECT absence_id AS id, desk, deputy, starts_at, ends_at, reason, made_by, made_at FROM absence
WHERE desk = $1 AND cancelled_at IS NULL AND ends_at > $2
"""

_OWNED = f"""
SELECT need.need_id, need.returnee_id, case_code, need.category, need.kind, need.urgency, need.people_count, owner,
    owner_reason, owned_since, owner_level, owner_seen_at, owner_due_at, owner_overdue_since, reported_at,
    live.referral_id, live.status AS referral_status
FROM need JOIN journey USING (returnee_id)
LEFT JOIN referral AS live ON live.need_id = need.need_id AND live.status IN {in_sql(LIVE_REFERRAL)}
WHERE owner IS NOT NULL AND ($1::text IS NULL OR owner = $1) AND ($2 OR NOT need.restricted)
  AND ($3::timestamptz IS NULL OR (owned_since, need.need_id) > ($3, $4))
ORDER BY owned_since, need.need_id LIMIT $5
"""  # noqa: S608 (constants)

# A chain of deputies is followed to its end: the deputy of a deputy sees the work of both.
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
    """These desks and the desks for which they are the deputy now."""
    rows = await (await raw(session)).fetch(_COVERED, sorted(desks), now(session))
    return [row["desk"] for row in rows]


async def absence_views(
    session: AsyncSession, desk: str, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[AbsenceView]:
    """Present and future absences of a desk, those that end first at the beginning. Up to one more than `limit`."""
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
    """One absence, also a past one, or NotFound."""
    row = await (await raw(session)).fetchrow(
        "SELECT absence_id AS id, desk, deputy, starts_at, ends_at, reason, made_by, made_at FROM absence"
        " WHERE absence_id = $1",
        absence_id,
    )
    if row is None:
        raise NotFound("There is no such absence")
    return AbsenceView.model_validate(dict(row))


async def absences_to_come(session: AsyncSession) -> list[Absence]:
    """All present and future absences."""
    rows = await (await raw(session)).fetch(
        "SELECT desk, deputy, starts_at, ends_at FROM absence WHERE cancelled_at IS NULL AND ends_at > $1",
        now(session),
    )
    return [Absence(**row) for row in rows]


async def hand_over_view(session: AsyncSession, rights: Rights, hand_over_id: UUID) -> HandOverView:
    """One hand-over, or NotFound. One that includes restricted needs is shown only to callers that may see these."""
    row = await (await raw(session)).fetchrow(_HAND_OVER, hand_over_id, rights.restricted)
    if row is None:
        raise NotFound("There is no such hand-over")
    return HandOverView.model_validate(dict(row))


async def owned_needs(
    session: AsyncSession,
    rights: Rights,
    *,
    owner: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[OwnedNeedView]:
    """Open needs that a desk owns, the longest owned first. Returns up to one more than `limit`."""
    since, need_id = after or (None, None)
    rows = await (await raw(session)).fetch(_OWNED, owner, rights.restricted, since, need_id, limit + 1)
    return [OwnedNeedView.model_validate(dict(row)) for row in rows]
