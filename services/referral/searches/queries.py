"""Reads the searches that the caller may see."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.searches.schemas import FollowUpView, SearchAttemptView

_ATTEMPTS = """
SELECT search_attempt_id AS id, referral_id, at, by, channel, result
FROM search_attempt JOIN referral USING (referral_id)
"""
_FOLLOW_UP = """
SELECT referral.referral_id, referral.need_id, referral.returnee_id, case_code, referral.category, referral.urgency,
    owner, searching_since, next_attempt_at, coalesce(tried.attempts, 0) AS attempt_count, missed_count,
    last.channel AS last_channel, last.result AS last_result
FROM referral JOIN journey USING (returnee_id) JOIN need ON need.need_id = referral.need_id
LEFT JOIN LATERAL (
    SELECT count(*) AS attempts FROM search_attempt
    WHERE search_attempt.referral_id = referral.referral_id AND at >= searching_since
) AS tried ON true
LEFT JOIN LATERAL (
    SELECT channel, result FROM search_attempt WHERE search_attempt.referral_id = referral.referral_id
    ORDER BY search_attempt_id DESC LIMIT 1
) AS last ON true
WHERE searching_since IS NOT NULL AND ($1::text IS NULL OR owner = $1) AND ($2 OR NOT referral.restricted)
  AND ($3::timestamptz IS NULL OR (next_attempt_at, referral.referral_id) > ($3, $4))
ORDER BY next_attempt_at, referral.referral_id LIMIT $5
"""


async def returnee_of(session: AsyncSession, rights: Rights, referral_id: UUID) -> UUID:
    """The returnee of a referral, or NotFound."""
    found = await (await raw(session)).fetchval(
        "SELECT returnee_id FROM referral WHERE referral_id = $1 AND ($2 OR NOT restricted)",
        referral_id,
        rights.restricted,
    )
    if found is None:
        raise NotFound("There is no such referral")
    return UUID(str(found))


async def attempt_view(session: AsyncSession, rights: Rights, attempt_id: UUID) -> SearchAttemptView:
    """One attempt, or NotFound."""
    row = await (await raw(session)).fetchrow(
        f"{_ATTEMPTS} WHERE search_attempt_id = $1 AND ($2 OR NOT restricted)", attempt_id, rights.restricted
    )
    if row is None:
        raise NotFound("There is no such search attempt")
    return SearchAttemptView.model_validate(dict(row))


async def attempt_views(
    session: AsyncSession, rights: Rights, referral_id: UUID, *, after: UUID | None, limit: int
) -> list[SearchAttemptView]:
    """The attempts of one referral, oldest first, up to one more than `limit`. NotFound without such a referral."""
    await returnee_of(session, rights, referral_id)
    rows = await (await raw(session)).fetch(
        f"{_ATTEMPTS} WHERE referral_id = $1 AND ($2::uuid IS NULL OR search_attempt_id > $2)"
        " ORDER BY search_attempt_id LIMIT $3",
        referral_id,
        after,
        limit + 1,
    )
    return [SearchAttemptView.model_validate(dict(row)) for row in rows]


async def follow_up(
    session: AsyncSession, rights: Rights, *, owner: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[FollowUpView]:
    """People who could not be found, the earliest deadline first. Returns up to one more than `limit`."""
    due_at, referral_id = after or (None, None)
    rows = await (await raw(session)).fetch(_FOLLOW_UP, owner, rights.restricted, due_at, referral_id, limit + 1)
    return [FollowUpView.model_validate(dict(row)) for row in rows]
