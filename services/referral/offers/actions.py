"""What the clocks of offers do."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from services.referral.clocks.queries import Due
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import work
from services.referral.journeys.facts import Offer
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import OfferStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.steps import offers as offer_steps
from services.referral.steps import referrals as referral_steps


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
