"""Reading the queues."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.waitlists.schemas import WaitlistEntryView

_QUEUE = """
SELECT * FROM (
    SELECT waitlist_entry.*,
        row_number() OVER (PARTITION BY category ORDER BY urgency_rank, waiting_since, referral_id) AS position
    FROM waitlist_entry WHERE ($1::text IS NULL OR category = $1) AND ($2 OR NOT restricted)
) AS queue
WHERE $3::text IS NULL OR (category, urgency_rank, waiting_since, referral_id) > ($3, $4, $5, $6)
ORDER BY category, urgency_rank, waiting_since, referral_id LIMIT $7
"""


async def queue(
    session: AsyncSession, *, category: str | None, restricted: bool, after: Sequence[str] | None, limit: int
) -> list[WaitlistEntryView]:
    """Entries by category and place in the queue, after the one that `after` names; one more than `limit`."""
    last: tuple[object, ...] = (None, None, None, None)
    if after is not None:
        last = (after[0], int(after[1]), datetime.fromisoformat(after[2]), UUID(after[3]))
    rows = await (await raw(session)).fetch(_QUEUE, category, restricted, *last, limit + 1)
    return [WaitlistEntryView.model_validate(dict(row)) for row in rows]


async def position(session: AsyncSession, referral_id: UUID) -> int | None:
    """The referral's position in its category's queue, or None if it does not wait for a place."""
    found: int | None = await (await raw(session)).fetchval(
        """
        SELECT 1 + (
            SELECT count(*) FROM waitlist_entry AS ahead
            WHERE ahead.category = mine.category AND (ahead.urgency_rank, ahead.waiting_since, ahead.referral_id)
                < (mine.urgency_rank, mine.waiting_since, mine.referral_id)
        ) FROM waitlist_entry AS mine WHERE referral_id = $1
        """,
        referral_id,
    )
    return found
