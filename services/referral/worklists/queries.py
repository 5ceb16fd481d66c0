"""What people watch, each as one query."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.referral.journeys.access import Rights
from services.referral.worklists.schemas import CategoryStatistics, InvariantsView, OwnedNeedView, PromiseView

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
WHERE $1 OR NOT restricted
GROUP BY category ORDER BY category
"""

# DESIGN 4, the first invariant: a live referral with a running clock, a waitlist place, a prerequisite that it waits
# on, or a named owner.
_UNATTENDED = """
SELECT count(*) FROM need
WHERE status = 'open' AND owner IS NULL AND ($1 OR NOT restricted) AND NOT EXISTS (
    SELECT 1 FROM referral
    WHERE referral.need_id = need.need_id
      AND referral.status IN
        ('awaiting_review', 'blocked', 'seeking', 'waitlisted', 'offered', 'accepted', 'in_service')
      AND (EXISTS (SELECT 1 FROM timer WHERE subject_id = referral.referral_id OR subject_id = referral.offer_id)
        OR EXISTS (SELECT 1 FROM waitlist_entry WHERE waitlist_entry.referral_id = referral.referral_id)
        OR EXISTS (SELECT 1 FROM need AS first WHERE first.need_id = referral.blocked_by AND first.status = 'open')))
"""

_PROMISES: Final[dict[str, tuple[str, str]]] = {
    "every_open_need_is_attended": (
        "An open need has a live referral with a running clock, a waitlist place, a prerequisite or a named owner",
        _UNATTENDED,
    ),
    "every_owner_has_a_clock": (
        "A need that somebody owns is open and has a clock that passes it on when its owner is silent",
        """
        SELECT count(*) FROM need
        WHERE owner IS NOT NULL AND ($1 OR NOT restricted) AND (status <> 'open' OR NOT EXISTS (
            SELECT 1 FROM timer WHERE subject_id = need_id AND kind = 'owner_silence'))
        """,
    ),
    "places_never_above_maximum": (
        "Held and taken places are never above the maximum, or above what stood when the maximum was lowered",
        "SELECT count(*) FROM pool WHERE held + taken > ceiling AND $1 IS NOT NULL",
    ),
    "ledger_agrees_with_holds": (
        "What a pool counts as held and taken is what offers hold and have taken",
        """
        SELECT count(*) FROM pool LEFT JOIN (
            SELECT pool_id, coalesce(sum(place_count) FILTER (WHERE status = 'held'), 0) AS held,
                coalesce(sum(place_count) FILTER (WHERE status = 'taken'), 0) AS taken
            FROM place_hold WHERE status <> 'released' GROUP BY pool_id
        ) AS holds USING (pool_id)
        WHERE (pool.held, pool.taken) IS DISTINCT FROM (coalesce(holds.held, 0), coalesce(holds.taken, 0))
          AND $1 IS NOT NULL
        """,
    ),
    "no_hold_leaks": (
        "Places are held only by live offers and taken only by referrals that are accepted or in service",
        """
        SELECT count(*) FROM place_hold JOIN offer USING (offer_id) JOIN referral USING (referral_id)
        WHERE ($1 OR NOT offer.restricted)
          AND (place_hold.status = 'held' AND offer.status NOT IN ('pending', 'acknowledged')
            OR place_hold.status = 'taken' AND referral.status NOT IN ('accepted', 'in_service'))
        """,
    ),
    "no_clock_is_overdue": (
        "Every clock that has run out has been acted on",
        "SELECT count(*) FROM timer WHERE due_at < $2 AND $1 IS NOT NULL",
    ),
    "no_offer_is_orphaned": (
        "A live offer belongs to a referral that is offered, holds its places, and has a clock that ends it",
        """
        SELECT count(*) FROM offer JOIN referral USING (referral_id)
        WHERE offer.status IN ('pending', 'acknowledged') AND ($1 OR NOT offer.restricted) AND (
            referral.status <> 'offered' OR referral.offer_id IS DISTINCT FROM offer.offer_id
            OR NOT EXISTS (
                SELECT 1 FROM timer WHERE subject_id = offer.offer_id AND kind = 'offer_expiry')
            OR NOT EXISTS (
                SELECT 1 FROM place_hold WHERE place_hold.offer_id = offer.offer_id AND place_hold.status = 'held'))
        """,
    ),
}
"""Each promise in words, and how many break it. $1: may restricted rows be seen; $2: since when a clock is late."""


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


async def statistics(session: AsyncSession, rights: Rights) -> list[CategoryStatistics]:
    """How needs stand, by category; categories without needs are left out."""
    rows = await (await raw(session)).fetch(_STATISTICS, rights.restricted)
    return [CategoryStatistics.model_validate(dict(row)) for row in rows]


async def invariants(session: AsyncSession, rights: Rights, *, late_after: timedelta) -> InvariantsView:
    """Whether every promise holds now, all judged on one state of the database."""
    counts = ", ".join(f"({query}) AS {name}" for name, (_, query) in _PROMISES.items())
    row = await (await raw(session)).fetchrow(
        f"SELECT {counts} FROM (SELECT $1::bool, $2::timestamptz) AS given",  # noqa: S608 (constants)
        rights.restricted,
        now(session) - late_after,
    )
    assert row is not None
    promises = [
        PromiseView(name=name, promise=promise, violations=row[name]) for name, (promise, _) in _PROMISES.items()
    ]
    return InvariantsView(holds=all(one.violations == 0 for one in promises), promises=promises)
