"""Answers of providers to offers, and what happens when the clocks of offers run out."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.idempotency import Once
from libs.events.codes import DeclineReason
from services.referral.access import Rights
from services.referral.audit.rules import Access
from services.referral.clocks.queries import Due
from services.referral.journeys.actions.writing import fired
from services.referral.journeys.facts import Offer
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import OfferStatus
from services.referral.offers.actions.answering import Effect, GivenAnswer, decline
from services.referral.offers.actions.gathering import Answers
from services.referral.offers.schemas import OfferView
from services.referral.pack.policy import RoutingPolicy
from services.referral.steps import offers as offer_steps
from services.referral.steps import referrals as referral_steps


@dataclass(frozen=True, slots=True)
class Answering:
    """A request that answers one offer."""

    gathering: Answers
    offer_id: UUID
    rights: Rights
    actor: str
    once: Once | None
    access: Access

    async def give(self, effect: Effect) -> OfferView:
        """Take this step as the answer, perhaps together with other answers. Raises a Refusal if it is not allowed."""
        given = GivenAnswer(self.offer_id, effect, self.rights, self.actor, self.once, self.access)
        return await self.gathering.write(given)


async def acknowledge_offer(answering: Answering) -> OfferView:
    """Acknowledge the offer: the provider confirms that it has seen it."""
    return await answering.give(offer_steps.acknowledge)


async def accept_offer(answering: Answering) -> OfferView:
    """Accept the offer."""
    return await answering.give(referral_steps.accept_offer)


async def decline_offer(answering: Answering, *, reason: DeclineReason, note: str | None) -> OfferView:
    """Decline the offer for this reason."""
    return await answering.give(decline(reason, note))


async def expire_offers(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """The deadlines of these offers have passed: they expire. Their journeys are already locked."""
    async with fired(session, policy, due, Offer) as (piece, offers):
        for offer in offers:
            if offer.is_live:
                referral_steps.expire_offer(piece, offer)


async def remind_of_offers(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """Remind providers of offers that wait for their answer. The journeys are already locked."""
    async with fired(session, policy, due, Offer) as (piece, offers):
        for offer in offers:
            if offer.is_live and offer.answer_by > piece.at:
                offer_steps.remind(piece, offer)


async def act_on_unacknowledged(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """These offers were not acknowledged in time: remind the provider, or let the offer expire, as the pack says. The
    journeys are already locked."""
    async with fired(session, policy, due, Offer) as (piece, offers):
        for offer in offers:
            if offer.status is OfferStatus.PENDING:
                _unacknowledged(piece, offer)


def _unacknowledged(piece: Work, offer: Offer) -> None:
    if piece.rules_of(offer).clocks[offer.urgency].unacknowledged == "expire":
        referral_steps.expire_offer(piece, offer)
    elif offer.answer_by > piece.at:
        offer_steps.remind(piece, offer)
