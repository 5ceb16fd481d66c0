"""Answers to offers, and what their clocks do. The journey is locked first: the first lock wins (DESIGN 4)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.codes import DeclineReason
from services.referral.clocks.queries import Due
from services.referral.journeys import offer_steps, referral_steps
from services.referral.journeys import queries as journeys
from services.referral.journeys.access import Rights
from services.referral.journeys.actions import work
from services.referral.journeys.facts import Offer
from services.referral.journeys.rules import OfferStatus
from services.referral.journeys.work import Work
from services.referral.offers import queries
from services.referral.pack import RoutingPolicy


async def acknowledge_offer(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, offer_id: UUID, *, actor: str
) -> UUID:
    """The provider has seen the offer; its clock runs on."""
    async with _locked(session, policy, rights, offer_id, actor=actor) as (piece, offer):
        offer_steps.acknowledge(piece, offer)
    return offer_id


async def accept_offer(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, offer_id: UUID, *, actor: str
) -> UUID:
    """The provider takes the need: the places held are taken."""
    async with _locked(session, policy, rights, offer_id, actor=actor) as (piece, offer):
        referral_steps.accept_offer(piece, offer)
    return offer_id


async def decline_offer(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    offer_id: UUID,
    *,
    reason: DeclineReason,
    note: str | None,
    actor: str,
) -> UUID:
    """The provider says no: the places come free and the next round finds the next candidate."""
    async with _locked(session, policy, rights, offer_id, actor=actor) as (piece, offer):
        referral_steps.decline_offer(piece, offer, reason=reason, note=note)
    return offer_id


async def expire_offers(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """The clocks of these offers have run out; their journeys are locked."""
    loaded = await journeys.load(session, {one.returnee_id for one in due})
    async with work(session, policy, loaded, actor="clock") as piece:
        for one in due:
            offer = loaded[one.returnee_id].offers[one.subject_id]
            if offer.is_live:
                referral_steps.expire_offer(piece, offer)


async def remind_of_offers(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """Tell providers again of offers that wait for their answer; their journeys are locked."""
    loaded = await journeys.load(session, {one.returnee_id for one in due})
    async with work(session, policy, loaded, actor="clock") as piece:
        for one in due:
            offer = loaded[one.returnee_id].offers[one.subject_id]
            if offer.is_live and offer.answer_by > piece.at:
                offer_steps.remind(piece, offer)


async def act_on_unacknowledged(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """Nobody has said in time that these offers were seen: the pack says what follows; their journeys are locked."""
    loaded = await journeys.load(session, {one.returnee_id for one in due})
    async with work(session, policy, loaded, actor="clock") as piece:
        for one in due:
            offer = loaded[one.returnee_id].offers[one.subject_id]
            if offer.status is OfferStatus.PENDING:
                _unacknowledged(piece, offer)


def _unacknowledged(piece: Work, offer: Offer) -> None:
    if piece.category(offer.category).clocks[offer.urgency].unacknowledged == "expire":
        referral_steps.expire_offer(piece, offer)
    elif offer.answer_by > piece.at:
        offer_steps.remind(piece, offer)


@asynccontextmanager
async def _locked(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, offer_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Offer]]:
    returnee_id = await queries.returnee_of(session, rights, offer_id)
    await journeys.lock(session, [returnee_id])
    loaded = await journeys.load(session, [returnee_id])
    async with work(session, policy, loaded, actor=actor) as piece:
        yield piece, loaded[returnee_id].offers[offer_id]
