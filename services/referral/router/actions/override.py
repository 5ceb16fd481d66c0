"""A person chooses the service instead of a round. Interlocks, legal rules and free places apply to people too."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import NotFound
from libs.events.codes import RecallReason
from services.referral.candidates.choice import Candidate, Market, candidate_of
from services.referral.candidates.interlocks import PLACE_OF_OTHERS
from services.referral.candidates.judgement import overruled, standing_reasons
from services.referral.candidates.pools import fitting_places, in_time
from services.referral.candidates.reasons import Exclusion
from services.referral.candidates.score import PARTS
from services.referral.errors import NoPlaceFree, NotACandidate, ProfileMissing
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions.writing import opened
from services.referral.journeys.facts import Household, Referral
from services.referral.journeys.households import told_together
from services.referral.journeys.work import Work
from services.referral.kept_apart.queries import apart_from, kept_apart
from services.referral.lifecycles.rules import ReferralStatus, ReferralStep
from services.referral.pack.policy import RoutingPolicy
from services.referral.places import actions as places
from services.referral.providers import queries as providers
from services.referral.providers.queries import Views
from services.referral.router import queries
from services.referral.router.actions.rounds import make_offer, services
from services.referral.router.picks import begin_round
from services.referral.router.queries import Placing
from services.referral.steps import referrals as referral_steps
from services.referral.steps.people import judged_on


async def place_by_hand(
    session: AsyncSession,
    policy: RoutingPolicy,
    returnee_id: UUID,
    referral_id: UUID,
    *,
    provider_service_id: UUID,
    reason: str,
    actor: str,
) -> None:
    """Offer this referral of this returnee to the service that a person has chosen. A live offer is recalled.

    Raises NotACandidate if a legal rule or an interlock forbids it, NoPlaceFree, and ProfileMissing if the profile of
    one of the people has not arrived yet.
    """
    household = await _household_of(session, returnee_id)
    together = {returnee_id} if household is None else {returnee_id, *household.member_ids}
    await _begin(session, policy, together)
    async with opened(session, policy, together, actor=actor) as piece:
        referral = piece.journeys[returnee_id].referrals[referral_id]
        placing = await _placing(session, piece, referral, household)
        referral_steps.require(referral, ReferralStep.OVERRIDE)
        candidate, by_hand = await _candidate(session, policy, placing, referral, provider_service_id)
        standing = piece.journeys[returnee_id].offer_of(referral)
        wanted = {share.pool.pool_id: share.places for share in candidate.shares}
        await places.lock(session, wanted, of_offers=[] if standing is None else [standing.offer_id])
        if not all(await places.hold(session, [wanted])):
            raise NoPlaceFree
        piece.judged_on[referral_id] = judged_on(referral, placing.journeys, placing.households)
        if referral.status is ReferralStatus.OFFERED and standing is not None:
            referral_steps.recall_offer(piece, standing, reason=RecallReason.OVERRIDDEN)
        piece.record(ReferralStep.OVERRIDE, referral, note=reason)
        explanation: dict[str, object] = {
            "policy": policy.version,
            "ranked": [candidate.told()],
            "excluded": [],
            "chosen_by_person": True,
            "overruled": by_hand,
        }
        make_offer(piece, referral, candidate, explanation, overruled=frozenset(by_hand))


async def _begin(session: AsyncSession, policy: RoutingPolicy, people: Collection[UUID]) -> None:
    """If people must be kept apart from these, nobody else places them meanwhile: a round that runs now may be about to
    offer them the same place."""
    if await kept_apart(session, people):
        await begin_round(session, policy.country)


async def _household_of(session: AsyncSession, returnee_id: UUID) -> Household | None:
    """The household of this person. The caller locks all its members together."""
    household_id = (await journeys.heads(session, [returnee_id]))[returnee_id].household_id
    return None if household_id is None else (await journeys.households(session, [household_id])).get(household_id)


async def _placing(session: AsyncSession, piece: Work, referral: Referral, household: Household | None) -> Placing:
    """The data for the choice. Raises ProfileMissing if the profile of one of the people has not arrived yet."""
    mine = piece.journeys[referral.returnee_id]
    people = [mine] if referral.household_id is None else list(piece.journeys.values())
    members = set() if household is None else set(household.member_ids)
    if any(person.profile is None for person in people) or not members <= piece.journeys.keys():
        raise ProfileMissing
    households = {} if household is None else {household.household_id: household}
    placing = Placing([referral], mine.needs, piece.journeys, households)
    await queries.read_refusals(session, placing)
    placing.told = await told_together(session, piece.policy.taxonomy, [referral.need_id])
    placing.apart = await apart_from(session, piece.policy.taxonomy, placing.journeys)
    return placing


async def _candidate(
    session: AsyncSession, policy: RoutingPolicy, placing: Placing, referral: Referral, provider_service_id: UUID
) -> tuple[Candidate, list[str]]:
    """The service as a candidate, and the codes of the rules that the person overrules."""
    at = now(session)
    listed = await providers.listed(session, Views(), [provider_service_id])
    service = next(iter(await services(session, listed, {}, today=at)), None)
    if service is None or service.view.category != referral.category:
        raise NotFound("There is no such service in this category", pointer="/provider_service_id")
    need = queries.as_candidate(placing, placing.needs[referral.need_id], referral, policy.consents, at=at)
    decision = Market([service], policy, at).choose(need)
    if decision.chosen is not None:
        return decision.chosen, []
    # A service of another kind is not even considered.
    codes = decision.excluded.get(provider_service_id, [Exclusion.KIND_NOT_OFFERED])
    standing = [code for code in standing_reasons(codes) if code not in PLACE_OF_OTHERS]
    if standing:
        raise NotACandidate(reasons=standing)
    if not PLACE_OF_OTHERS.isdisjoint(codes):
        raise NoPlaceFree  # the true reason would say where somebody else is
    ahead = policy.rules_of(need.category, need.kind).held_ahead
    shares = fitting_places(need, in_time(service, at, ahead=ahead))
    if not shares:
        raise NoPlaceFree
    return candidate_of(need, service, shares, policy, score=0.0, parts=(0.0,) * len(PARTS)), overruled(codes)
