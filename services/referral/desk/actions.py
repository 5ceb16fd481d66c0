"""Decisions of people: reviews and overrides."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work
from libs.chassis.errors import NotFound
from libs.events.codes import RecallReason
from services.referral.access import Rights
from services.referral.candidates.choice import Candidate, Market
from services.referral.candidates.pools import fitting_places, in_time
from services.referral.candidates.score import PARTS
from services.referral.desk import queries, rules
from services.referral.errors import NoPlaceFree, NotACandidate, ProfileMissing, StepNotAllowed
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import opened
from services.referral.journeys.facts import Household, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import ReferralStatus, ReferralStep
from services.referral.notes import actions as notes
from services.referral.pack.policy import RoutingPolicy
from services.referral.places import actions as places
from services.referral.providers import queries as providers
from services.referral.providers.queries import Directory
from services.referral.referrals import queries as referrals
from services.referral.reviews import actions as reviews
from services.referral.router import actions as router
from services.referral.router import queries as rounds
from services.referral.router.queries import Placing
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps.people import judged_on


async def decide_review(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    review_id: UUID,
    *,
    approved: bool,
    note: str | None,
    actor: str,
) -> UUID:
    """A person says whether this may be offered. Rejected: the referral ends, the desk goes on owning the need."""
    review = await queries.review_view(session, rights, review_id)
    if review.referral_id is None or review.returnee_id is None:
        raise StepNotAllowed(
            "A review of a broken promise is resolved, neither approved nor rejected",
            subject="review",
            state=review.status.value,
            step="approve" if approved else "reject",
        )
    async with opened(session, policy, [review.returnee_id], actor=actor) as piece:
        referral = piece.journeys[review.returnee_id].referrals[review.referral_id]
        if approved:
            routing_steps.approve(piece, referral, reason=review.reason, note=note)
        else:
            referral_steps.reject(piece, referral, note=note)
    return review_id


async def resolve_review(session: AsyncSession, rights: Rights, review_id: UUID, *, note: str, actor: str) -> UUID:
    """A person has looked into a broken promise. Should it be broken still, the watcher asks again."""
    review = await queries.review_view(session, rights, review_id)
    async with own_work(session):
        note_id = await notes.write_one(session, review.returnee_id, note)
        resolved = await reviews.resolve(session, review_id, by=actor, note_id=note_id)
    if not resolved:
        raise StepNotAllowed(
            "Only a pending review of a broken promise is resolved",
            subject="review",
            state=review.status.value,
            step="resolve",
        )
    return review_id


async def override_referral(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    referral_id: UUID,
    *,
    provider_service_id: UUID,
    reason: str,
    actor: str,
) -> UUID:
    """A person chooses the service. A live offer is recalled; interlocks, law and places hold for people too."""
    returnee_id = await referrals.returnee_of(session, rights, referral_id)
    async with own_work(session):
        await _override(session, policy, returnee_id, referral_id, provider_service_id, reason=reason, actor=actor)
    return referral_id


async def _override(
    session: AsyncSession,
    policy: RoutingPolicy,
    returnee_id: UUID,
    referral_id: UUID,
    provider_service_id: UUID,
    *,
    reason: str,
    actor: str,
) -> None:
    household = await _household_of(session, returnee_id)
    together = {returnee_id} if household is None else {returnee_id, *household.member_ids}
    async with opened(session, policy, together, actor=actor) as piece:
        referral = piece.journeys[returnee_id].referrals[referral_id]
        placing = await _placing(session, piece, referral, household)
        referral_steps.require(referral, ReferralStep.OVERRIDE)
        candidate, overruled = await _candidate(session, policy, placing, referral, provider_service_id)
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
            "overruled": overruled,
        }
        router.make_offer(piece, referral, candidate, explanation, overruled=frozenset(overruled))


async def _household_of(session: AsyncSession, returnee_id: UUID) -> Household | None:
    """The household of this person, whose members are locked together."""
    household_id = (await journeys.heads(session, [returnee_id]))[returnee_id].household_id
    return None if household_id is None else (await journeys.households(session, [household_id])).get(household_id)


async def _placing(session: AsyncSession, piece: Work, referral: Referral, household: Household | None) -> Placing:
    """What must be known to choose for this referral; refused where a member's profile is not known."""
    mine = piece.journeys[referral.returnee_id]
    people = [mine] if referral.household_id is None else list(piece.journeys.values())
    members = set() if household is None else set(household.member_ids)
    if any(person.profile is None for person in people) or not members <= piece.journeys.keys():
        raise ProfileMissing
    households = {} if household is None else {household.household_id: household}
    placing = Placing([referral], mine.needs, piece.journeys, households)
    await rounds.read_refusals(session, placing)
    return placing


async def _candidate(
    session: AsyncSession, policy: RoutingPolicy, placing: Placing, referral: Referral, provider_service_id: UUID
) -> tuple[Candidate, list[str]]:
    """The service as candidate, and the codes of the rules that the person overrules."""
    at = now(session)
    directory = await providers.refreshed(session, Directory())
    found = {one.view.provider_service_id: one for one in await router.services(session, directory, {}, today=at)}
    service = found.get(provider_service_id)
    if service is None or service.view.category is not referral.category:
        raise NotFound("There is no such service in this category", pointer="/provider_service_id")
    need = rounds.as_candidate(placing, placing.needs[referral.need_id], referral, policy.consents, at=at)
    decision = Market([service], policy, at).choose(need)
    if decision.chosen is not None:
        return decision.chosen, []
    codes = decision.excluded[provider_service_id]
    standing = rules.standing_reasons(codes)
    if standing:
        raise NotACandidate(reasons=standing)
    ahead = policy.categories[need.category].held_ahead
    shares = fitting_places(need, in_time(service, at, ahead=ahead))
    if not shares:
        raise NoPlaceFree
    return Candidate(service, shares, 0.0, (0.0,) * len(PARTS)), rules.overruled(codes)
