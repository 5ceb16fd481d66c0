"""Joining and leaving the queue."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.database import Row, insert_rows
from services.referral.waitlists.tables import WaitlistEntryRow


async def join(session: AsyncSession, entries: Sequence[Row]) -> None:
    """Put referrals in the queue; one that stands there keeps its place and learns which services it waits for."""
    await insert_rows(
        session,
        WaitlistEntryRow,
        entries,
        on_conflict="ON CONFLICT (referral_id) DO UPDATE SET provider_service_ids = excluded.provider_service_ids",
    )


async def leave(session: AsyncSession, referral_ids: Collection[UUID]) -> None:
    """Take referrals out of the queue."""
    if referral_ids:
        await (await raw(session)).execute(
            "DELETE FROM waitlist_entry WHERE referral_id = ANY($1::uuid[])", sorted(referral_ids)
        )
