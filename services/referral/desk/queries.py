"""Reads reviews.

A list is read separately for each state and for restricted and other reviews, and then merged. In this way an index
can be used for every combination of filters.
"""

from typing import Any, Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import COUNT_MAX, Count
from services.referral.access import Rights
from services.referral.desk.schemas import ReviewFilters, ReviewView
from services.referral.journeys import queries as journeys
from services.referral.reviews.rules import ReviewStatus

_REVIEWS: Final = """
SELECT review_id AS id, referral_id, need_id, review.returnee_id, case_code, category, promise, subject_id, reason,
    desk, status, requested_at, decided_at, decided_by, age_of, age_group, age_basis,
    asked.kind, asked.urgency, asked.owner, asked.owner_due_at AS due_at
FROM {} LEFT JOIN journey USING (returnee_id)
LEFT JOIN LATERAL (
    SELECT kind, urgency, owner, owner_due_at FROM need WHERE need.need_id = review.need_id OFFSET 0
) AS asked ON true
"""


def page_statement(rights: Rights, filters: ReviewFilters, *, after: UUID | None, limit: int) -> tuple[str, list[Any]]:
    """The statement and its values for the page after this review, with one more than `limit`."""
    walked, values = _walked(rights, filters, after=after, limit=limit + 1)
    return f"{_REVIEWS.format(f'({walked}) AS review')} ORDER BY review_id", values


def count_statement(rights: Rights, filters: ReviewFilters) -> tuple[str, list[Any]]:
    """The statement and its values for the number of reviews, up to one more than the maximum that is counted."""
    walked, values = _walked(rights, filters, after=None, limit=COUNT_MAX + 1)
    return f"SELECT count(*) FROM ({walked}) AS counted", values  # noqa: S608 (constants)


def _walked(rights: Rights, filters: ReviewFilters, *, after: UUID | None, limit: int) -> tuple[str, list[Any]]:
    statuses = [one.value for one in ([filters.status] if filters.status else ReviewStatus)]
    values: list[Any] = [statuses, [False, True] if rights.restricted else [False], limit]
    conditions = ["review.status = of.status", "review.restricted = hidden.restricted"]
    if filters.referral_id is not None and filters.status is ReviewStatus.PENDING:
        conditions.append("review.status = 'pending'")  # the predicate of the partial index on the referral
    asked = (
        ("desk = {}", filters.desk),
        ("category = {}", filters.category),
        ("referral_id = {}", filters.referral_id),
        ("review_id > {}", after),
    )
    for condition, value in asked:
        if value is not None:
            values.append(value)
            conditions.append(f"review.{condition.format(f'${len(values)}')}")
    one = f"SELECT * FROM review WHERE {' AND '.join(conditions)} ORDER BY review_id LIMIT $3"  # noqa: S608 (constants)
    return (
        "SELECT walk.* FROM unnest($1::text[]) AS of(status) CROSS JOIN unnest($2::boolean[]) AS hidden(restricted)"  # noqa: S608
        f" CROSS JOIN LATERAL ({one}) AS walk ORDER BY walk.review_id LIMIT $3"
    ), values


async def review_views(
    session: AsyncSession, rights: Rights, filters: ReviewFilters, *, after: UUID | None, limit: int
) -> list[ReviewView]:
    """Reviews, oldest first. Returns up to one more than `limit`."""
    statement, values = page_statement(rights, filters, after=after, limit=limit)
    rows = await (await raw(session)).fetch(statement, *values)
    return [ReviewView.model_validate(dict(row)) for row in rows]


async def review_count(session: AsyncSession, rights: Rights, filters: ReviewFilters) -> Count:
    """The number of reviews, up to a thousand."""
    statement, values = count_statement(rights, filters)
    return Count.of(await (await raw(session)).fetchval(statement, *values))


async def together_with(session: AsyncSession, returnee_id: UUID) -> set[UUID]:
    """The person and the members of the household."""
    journey = (await journeys.heads(session, {returnee_id}))[returnee_id]
    known = await journeys.households(session, [journey.household_id] if journey.household_id is not None else [])
    return {returnee_id, *(member for household in known.values() for member in household.member_ids)}


async def review_view(session: AsyncSession, rights: Rights, review_id: UUID) -> ReviewView:
    """One review, or NotFound."""
    row = await (await raw(session)).fetchrow(
        f"{_REVIEWS.format('review')} WHERE review_id = $1 AND ($2 OR NOT restricted)", review_id, rights.restricted
    )
    if row is None:
        raise NotFound("There is no such review")
    return ReviewView.model_validate(dict(row))
