"""Receives events about accepted offers from referral, and events about organisations from the directory; no others."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.directory import CertificatePublished, OrganizationPublished
from libs.events.catalogue.referral import (
    OfferAccepted,
    OfferHalted,
    OfferRecalled,
    OfferUpheld,
    ReferralCancelled,
    ReferralCompleted,
    ReferralEnteredInError,
    ReferralNotDelivered,
)
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.told import documents_issued
from services.registration.certificates.actions import forget_certificates
from services.registration.organizations.actions import forget_standings, keep_standings
from services.registration.pack import Closing, Pack
from services.registration.packets.actions.closings import Ending, close_packets, shut_packets
from services.registration.packets.actions.packets import judge_packets, open_packets
from services.registration.people.actions.documents import hold_documents

Ended = ReferralCompleted | ReferralCancelled | ReferralNotDelivered | OfferRecalled
CLOSINGS: dict[type[Ended], Closing] = {
    ReferralCompleted: Closing.COMPLETED,
    ReferralCancelled: Closing.CANCELLED,
    ReferralNotDelivered: Closing.NOT_DELIVERED,
    OfferRecalled: Closing.RECALLED,
}


def subscribe(subscriptions: Subscriptions, *, pack: Pack) -> None:
    """Subscribe to the events that decide which accepted offers may open a packet, and until when, and to what
    completed services have issued."""

    @subscriptions.on(OfferAccepted)
    async def open_their_packets(session: AsyncSession, batch: Sequence[Received[OfferAccepted]]) -> None:
        await open_packets(session, [(received.event, received.traceparent) for received in batch])

    @subscriptions.on(OfferUpheld, OfferHalted)
    async def judge_their_packets(session: AsyncSession, batch: Sequence[Received[OfferUpheld | OfferHalted]]) -> None:
        await judge_packets(session, [received.event for received in batch])

    @subscriptions.on(OrganizationPublished)
    async def keep_their_standings(session: AsyncSession, batch: Sequence[Received[OrganizationPublished]]) -> None:
        await keep_standings(session, [received.event for received in batch])

    @subscriptions.rebuilds(OrganizationPublished, CertificatePublished)
    async def standings(session: AsyncSession) -> None:
        await forget_standings(session)
        await forget_certificates(session)

    @subscriptions.on(*CLOSINGS)
    async def close_their_packets(session: AsyncSession, batch: Sequence[Received[Ended]]) -> None:
        endings = [
            Ending(
                referral_id=received.event.referral_id,
                offer_id=getattr(received.event, "offer_id", None),
                closing=CLOSINGS[type(received.event)],
                at=received.event.at,
            )
            for received in batch
        ]
        await close_packets(session, endings, policy=pack.packets)
        await hold_documents(session, _issued([received.event for received in batch], pack.taxonomy))

    @subscriptions.on(ReferralEnteredInError)
    async def shut_their_packets(session: AsyncSession, batch: Sequence[Received[ReferralEnteredInError]]) -> None:
        await shut_packets(session, [received.event for received in batch])


def _issued(ended: Sequence[Ended], taxonomy: Taxonomy) -> dict[UUID, list[str]]:
    """The documents that completed services have issued, by person."""
    issued: dict[UUID, list[str]] = {}
    for event in ended:
        if isinstance(event, ReferralCompleted):
            stated = {one.fact: one.value for one in event.facts}
            issued.setdefault(event.returnee_id, []).extend(documents_issued(taxonomy, event.given_kind, stated))
    return {returnee_id: documents for returnee_id, documents in issued.items() if documents}
