"""Reading the queues."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.referral.waitlists import rules
from services.referral.waitlists.rules import Freed
from services.referral.waitlists.schemas import PoolQueueView, QueueView, WaitlistEntryView

_QUEUE = """
SELECT queue.*, kept_pool.until AS kept_until FROM (
    SELECT waitlist_entry.*,
        row_number() OVER (PARTITION BY category ORDER BY urgency_rank, waiting_since, referral_id) AS position
    FROM waitlist_entry WHERE ($1::text IS NULL OR category = $1) AND ($2 OR NOT restricted)
) AS queue LEFT JOIN kept_pool ON kept_pool.referral_id = queue.referral_id AND NOT over
WHERE ($3::text IS NULL OR (category, urgency_rank, waiting_since, queue.referral_id) > ($3, $4, $5, $6))
  AND ($7::uuid IS NULL OR $7 = ANY(pool_ids))
ORDER BY category, urgency_rank, waiting_since, queue.referral_id LIMIT $8
"""

_ONE = """
SELECT mine.*, (SELECT until FROM kept_pool WHERE referral_id = $1 AND NOT over) AS kept_until, 1 + (
    SELECT count(*) FROM waitlist_entry AS ahead
    WHERE ahead.category = mine.category AND (ahead.urgency_rank, ahead.waiting_since, ahead.referral_id)
        < (mine.urgency_rank, mine.waiting_since, mine.referral_id)
) AS position FROM waitlist_entry AS mine WHERE referral_id = $1
"""

# Everybody who waits for one of these pools counts, whoever asks: a position is a number and tells of nobody.
_LINES = """
SELECT referral_id, pool_id, provider_service_id, place_count, lines.position, places_until FROM (
    SELECT referral_id, line.pool_id, line.place_count, row_number() OVER queue AS position,
        sum(line.place_count) OVER queue AS places_until
    FROM waitlist_entry CROSS JOIN unnest(pool_ids, pool_places) AS line(pool_id, place_count)
    WHERE pool_ids && $1::uuid[]
    WINDOW queue AS (PARTITION BY line.pool_id ORDER BY urgency_rank, waiting_since, referral_id)
) AS lines JOIN pool USING (pool_id)
WHERE referral_id = ANY($2::uuid[]) ORDER BY referral_id, lines.position, pool_id
"""

_FREED = """
SELECT pool_id, sum(place_count) AS places, count(*) AS times, min(released_at) AS since FROM place_hold
WHERE pool_id = ANY($1::uuid[]) AND taken_at IS NOT NULL AND released_at > $2 GROUP BY pool_id
"""


async def queue(
    session: AsyncSession,
    *,
    category: str | None,
    pool_id: UUID | None,
    restricted: bool,
    after: Sequence[str] | None,
    limit: int,
) -> list[WaitlistEntryView]:
    """Entries by category and place in the queue, after the one that `after` names; one more than `limit`."""
    last: tuple[object, ...] = (None, None, None, None)
    if after is not None:
        last = (after[0], int(after[1]), datetime.fromisoformat(after[2]), UUID(after[3]))
    rows = await (await raw(session)).fetch(_QUEUE, category, restricted, *last, pool_id, limit + 1)
    pools = await _pool_queues(session, rows)
    return [WaitlistEntryView.model_validate(_shown(row, pools[row["referral_id"]])) for row in rows]


async def place_in_queue(session: AsyncSession, referral_id: UUID) -> QueueView | None:
    """Where the referral stands, or None if it does not wait for a place."""
    row = await (await raw(session)).fetchrow(_ONE, referral_id)
    if row is None:
        return None
    pools = await _pool_queues(session, [row])
    return QueueView.model_validate(_shown(row, pools[referral_id]))


def _shown(row: Mapping[str, Any], pools: Sequence[PoolQueueView]) -> dict[str, Any]:
    known = [one.expected_wait_seconds for one in pools if one.expected_wait_seconds is not None]
    return {**row, "pools": pools, "expected_wait_seconds": min(known, default=None)}


async def _pool_queues(session: AsyncSession, rows: Collection[Mapping[str, Any]]) -> dict[UUID, list[PoolQueueView]]:
    """Per referral where it stands in the queue of each of its pools, and how long that may take."""
    connection, at = await raw(session), now(session)
    pool_ids = sorted({pool_id for row in rows for pool_id in row["pool_ids"]})
    found: dict[UUID, list[PoolQueueView]] = defaultdict(list)
    freed = {
        row["pool_id"]: Freed(row["places"], row["times"], row["since"])
        for row in await connection.fetch(_FREED, pool_ids, at - rules.RATE_OVER)
    }
    for row in await connection.fetch(_LINES, pool_ids, [one["referral_id"] for one in rows]):
        wait = rules.expected_wait(row["places_until"], freed.get(row["pool_id"]), at=at)
        seconds = None if wait is None else round(wait.total_seconds())
        view = PoolQueueView.model_validate({**row, "expected_wait_seconds": seconds})
        found[row["referral_id"]].append(view)
    return found
