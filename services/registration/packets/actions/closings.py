"""Closes packets after accepted offers have ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.referral import ReferralEnteredInError
from services.registration.pack import Closing, PacketPolicy
from services.registration.packets.rules import closes_at
from services.registration.sharing.actions import end_shares

_CLOSE = """
    UPDATE packet_access p SET closing = c.closing, closes_at = c.closes_at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS c (offer_id, referral_id, closing, closes_at)
    WHERE p.referral_id = c.referral_id AND (c.offer_id IS NULL OR p.offer_id = c.offer_id) AND p.closes_at IS NULL
"""
# The packet is also closed if the offer ended before and some days were left in which the packet could be fetched.
_SHUT = """
    UPDATE packet_access p SET closing = 'cancelled', closes_at = s.at
    FROM unnest($1::uuid[], $2::timestamptz[]) AS s (offer_id, at)
    WHERE p.offer_id = s.offer_id AND (p.closes_at IS NULL OR p.closes_at > s.at)
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an accepted offer. If `offer_id` is None, it is the accepted offer of the referral."""

    referral_id: UUID
    offer_id: UUID | None
    closing: Closing
    at: datetime


async def close_packets(session: AsyncSession, endings: Sequence[Ending], *, policy: PacketPolicy) -> None:
    """Close the packets of accepted offers that have ended, after the days that the pack gives. Other offers are
    ignored."""
    rows = [
        (
            one.offer_id,
            one.referral_id,
            one.closing.value,
            closes_at(one.at, days_after=policy.days_after[one.closing]),
        )
        for one in endings
    ]
    if rows:
        await (await raw(session)).execute(_CLOSE, *map(list, zip(*rows, strict=True)))
        await end_shares(session, [(one.referral_id, one.offer_id, one.at) for one in endings])


async def shut_packets(session: AsyncSession, errors: Sequence[ReferralEnteredInError]) -> None:
    """Close the packets of referrals that were entered in error at once, if their offers had been accepted."""
    rows = [(one.offer_id, one.at) for one in errors if one.offer_id is not None]
    if rows:
        await (await raw(session)).execute(_SHUT, *map(list, zip(*rows, strict=True)))
        await end_shares(session, [(one.referral_id, one.offer_id, one.at) for one in errors if one.offer_id])
