"""Adds referrals to the queue, removes them, and keeps places for the referral at its head."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.database import Row, insert_rows
from services.referral.waitlists.tables import KeptPoolRow, WaitlistEntryRow

_LEARNS = """ON CONFLICT (referral_id) DO UPDATE SET provider_service_ids = excluded.provider_service_ids,
    pool_ids = excluded.pool_ids, pool_places = excluded.pool_places,
    urgency_rank = excluded.urgency_rank, kind = excluded.kind"""

_END_KEPT = """
WITH gone AS (
    DELETE FROM kept_pool WHERE NOT EXISTS (
        SELECT 1 FROM waitlist_entry WHERE waitlist_entry.referral_id = kept_pool.referral_id
    ) RETURNING pool_id, over
), passed AS (
    UPDATE kept_pool SET over = true WHERE until <= $1 AND NOT over RETURNING pool_id
)
SELECT pool_id FROM gone WHERE NOT over UNION SELECT pool_id FROM passed
"""


async def join(session: AsyncSession, entries: Sequence[Row]) -> None:
    """Put referrals in the queue. One that is already there keeps its place; what it waits for is updated."""
    await insert_rows(session, WaitlistEntryRow, entries, on_conflict=_LEARNS)


async def leave(session: AsyncSession, referral_ids: Collection[UUID]) -> None:
    """Take referrals out of the queue."""
    if referral_ids:
        await (await raw(session)).execute(
            "DELETE FROM waitlist_entry WHERE referral_id = ANY($1::uuid[])", sorted(referral_ids)
        )


async def keep_pools(
    session: AsyncSession, kept: Collection[tuple[UUID, UUID]], *, at: datetime, within: float
) -> None:
    """Keep the free places of pools for referrals, given as (referral, pool), for `within` seconds.

    A referral that has already kept a pool, and a pool that is already kept, are skipped.
    """
    rows = [
        {
            "referral_id": referral_id,
            "pool_id": pool_id,
            "since": at,
            "until": at + timedelta(seconds=within),
            "over": False,
        }
        for referral_id, pool_id in kept
    ]
    await insert_rows(session, KeptPoolRow, rows, on_conflict="ON CONFLICT DO NOTHING")


async def end_kept(session: AsyncSession, *, at: datetime) -> list[UUID]:
    """End the keeping of pools whose time is over or whose referral has left the queue. Returns the pools that are open
    again."""
    return [row["pool_id"] for row in await (await raw(session)).fetch(_END_KEPT, at)]
