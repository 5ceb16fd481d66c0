"""What people watch, each as one query."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.referral.access import Rights
from services.referral.worklists.rules import told
from services.referral.worklists.schemas import CategoryStatistics, OwnedNeedView

_OWNED = """
SELECT need.need_id, need.returnee_id, case_code, need.category, need.urgency, need.people_count, owner,
    owner_reason, owned_since, owner_level, owner_seen_at, owner_due_at, owner_overdue_since, reported_at,
    live.referral_id, live.status AS referral_status
FROM need JOIN journey USING (returnee_id)
LEFT JOIN referral AS live ON live.need_id = need.need_id AND live.status IN
    ('awaiting_review', 'blocked', 'seeking', 'waitlisted', 'offered', 'accepted', 'in_service')
WHERE owner IS NOT NULL AND ($1::text IS NULL OR owner = $1) AND ($2 OR NOT need.restricted)
  AND ($3::timestamptz IS NULL OR (owned_since, need.need_id) > ($3, $4))
ORDER BY owned_since, need.need_id LIMIT $5
"""

_STATISTICS = """
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
WHERE ($1 OR NOT restricted) AND counted_until > $2
GROUP BY category ORDER BY category
"""


async def owned_needs(
    session: AsyncSession,
    rights: Rights,
    *,
    owner: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[OwnedNeedView]:
    """Open needs that a desk answers for, the longest owned first; one more than `limit`."""
    since, need_id = after or (None, None)
    rows = await (await raw(session)).fetch(_OWNED, owner, rights.restricted, since, need_id, limit + 1)
    return [OwnedNeedView.model_validate(dict(row)) for row in rows]


async def statistics(session: AsyncSession, rights: Rights, *, small_below: int) -> list[CategoryStatistics]:
    """How the needs stand of people who allow that they are counted, by category; small numbers are left out."""
    rows = await (await raw(session)).fetch(_STATISTICS, rights.restricted, now(session))
    return [
        CategoryStatistics(
            category=row["category"],
            **told({name: value for name, value in row.items() if name != "category"}, below=small_below),
        )
        for row in rows
    ]
