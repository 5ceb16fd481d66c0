"""Reading reviews."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.referral.desk.schemas import ReviewView
from services.referral.journeys.access import Rights
from services.referral.journeys.tables import ReviewStatus

_REVIEWS = """
SELECT review_id AS id, referral_id, need_id, review.returnee_id, case_code, category, promise, subject_id, reason,
    desk, status, requested_at, decided_at, decided_by
FROM review LEFT JOIN journey USING (returnee_id)
"""


async def review_views(
    session: AsyncSession,
    rights: Rights,
    *,
    status: ReviewStatus | None,
    desk: str | None,
    after: UUID | None,
    limit: int,
) -> list[ReviewView]:
    """Reviews from the oldest on; one more than `limit`."""
    statement = f"""{_REVIEWS}
        WHERE ($1 OR NOT restricted) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR desk = $3)
          AND ($4::uuid IS NULL OR review_id > $4)
        ORDER BY review_id LIMIT $5"""
    rows = await (await raw(session)).fetch(statement, rights.restricted, status, desk, after, limit + 1)
    return [ReviewView.model_validate(dict(row)) for row in rows]


async def review_view(session: AsyncSession, rights: Rights, review_id: UUID) -> ReviewView:
    """One review, or NotFound."""
    row = await (await raw(session)).fetchrow(
        f"{_REVIEWS} WHERE review_id = $1 AND ($2 OR NOT restricted)", review_id, rights.restricted
    )
    if row is None:
        raise NotFound("There is no such review")
    return ReviewView.model_validate(dict(row))
