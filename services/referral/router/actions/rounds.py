"""One round: offers the referrals that may be placed now to services, in one transaction (DESIGN 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.logs import get_logger
from services.referral.candidates import facts as candidates
from services.referral.candidates.choice import Candidate, Decision, Market
from services.referral.candidates.interlocks import review_reason
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions.writing import work
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.printed import Who
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.places import actions as places
from services.referral.places import queries as ledger
from services.referral.providers import queries as providers
from services.referral.providers.queries import Directory
from services.referral.router import queries, rules
from services.referral.router.actions import waits
from services.referral.router.picks import Picks, pick_ready, pick_woken
from services.referral.router.queries import Placing
from services.referral.router.rules import Line, Pace, Way
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps.people import judged_on
from services.referral.waitlists import actions as waitlists

log = get_logger(__name__)

WOKEN_MAX: Final = 500
"""The maximum number of waiting referrals that one round looks at again."""


@dataclass(slots=True)
class Memory:
    """What the leading router keeps in memory between rounds. All of it can be read from the database again."""

    directory: Directory = field(default_factory=Directory)
    records: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)
    """By service: how many offers were made and answered recently."""
    swept: dict[str, int] = field(default_factory=dict)
    """By category: the count of changes of supply at which its waiting referrals were last looked at."""
    _unfit: tuple[object, list[UUID]] = (None, [])

    def unfit_at(self, at: datetime) -> list[UUID]:
        """Services that may take nobody now. Computed once a minute and whenever the directory changes."""
        key = self.directory.version, at.replace(second=0, microsecond=0)
        if self._unfit[0] != key:
            self._unfit = key, self.directory.unfit(at)
        return self._unfit[1]


@dataclass(frozen=True, slots=True)
class Round:
    """The result of a round."""

    looked_at: int = 0
    offered: int = 0
    is_full: bool = False
    """True if more referrals were ready than one round may take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An offer that is made if the ledger can hold its places."""

    referral: Referral
    candidate: Candidate
    decision: Decision


async def place_referrals(session: AsyncSession, policy: RoutingPolicy, memory: Memory) -> Round:
    """One round: by urgency, then by waiting time. Either all of its results are committed, or none."""
    at = now(session)
    # Read before the free places. A change of supply in between then causes an unnecessary second look; no change is
    # missed.
    supply = await ledger.supply_counts(session)
    picks = await _pick(session, policy, memory, supply, at)
    if not picks.picked:
        return Round()
    placing = await queries.to_place(session, picks.picked)
    await _meet_households(session, placing)
    memory.directory = await providers.refreshed(session, memory.directory)
    found = await services(session, memory.directory, memory.records, today=at)
    market, line = Market(found, policy, at), await queries.line(session, placing, found, supply)
    async with work(session, policy, placing.journeys, actor=Who.ROUTER.value) as piece:
        for referral in placing.referrals:
            journey = piece.journeys[referral.returnee_id]
            journey.needs[referral.need_id] = placing.needs[referral.need_id]
            journey.referrals[referral.referral_id] = referral
        pace = await queries.pace(session, memory.directory, placing, policy, at)
        plans = await _decide_all(session, piece, placing, market, line, supply, pace, picks)
        offered = await _make_offers(session, piece, plans, policy)
    await waitlists.keep_pools(session, line.keeps, at=at, within=policy.rounds.keep_places_for)
    return Round(len(picks.picked), offered, picks.is_full)


async def _pick(
    session: AsyncSession, policy: RoutingPolicy, memory: Memory, supply: Mapping[str, int], at: datetime
) -> Picks:
    ready = await pick_ready(session, at=at, limit=policy.rounds.offers_max)
    changed = rules.with_changed_supply(supply, memory.swept)
    if not changed:
        return ready
    woken = await pick_woken(session, changed=changed, limit=WOKEN_MAX)
    if len(woken) < WOKEN_MAX:
        memory.swept.update(changed)
    return replace(ready, picked=[*ready.picked, *woken], is_full=ready.is_full or len(woken) == WOKEN_MAX)


async def _meet_households(session: AsyncSession, placing: Placing) -> None:
    """Lock and load the other members of the households of these needs. If one is missing, the need waits."""
    together = {referral.household_id for referral in placing.referrals if referral.household_id is not None}
    members = {one for key in together if key in placing.households for one in placing.households[key].member_ids}
    others = members - placing.journeys.keys()
    if others:
        held = await journeys.claim(session, others)
        placing.journeys.update(await journeys.heads(session, held))
    placing.referrals = [
        referral
        for referral in placing.referrals
        if referral.household_id is None
        or all(one in placing.journeys for one in placing.households[referral.household_id].member_ids)
    ]


async def services(
    session: AsyncSession, directory: Directory, records: Mapping[UUID, tuple[int, int]], *, today: datetime
) -> list[candidates.Service]:
    """Every service of the directory whose organisation is known, with its free places.

    `records`, by service: how many offers were made to it recently, and how many it answered.
    """
    pools = await ledger.pools(session, today=today.date())
    waiting = await queries.open_offers(session)
    ended = await providers.no_longer_offered(session)
    found = []
    for key, view in directory.services.items():
        organization = directory.organizations.get(view.organization_id)
        if organization is not None:
            made, answered = records.get(key, (0, 0))
            found.append(
                candidates.Service(
                    view, organization, pools.get(key, ()), answered, made, waiting.get(key, 0), key not in ended
                )
            )
    return found


async def _decide_all(
    session: AsyncSession,
    piece: Work,
    placing: Placing,
    market: Market,
    line: Line,
    supply: Mapping[str, int],
    pace: Pace,
    picks: Picks,
) -> list[Plan]:
    plans: list[Plan] = []
    after_documents = {}
    for referral in placing.referrals:
        line.come_to((referral.urgency_rank, referral.waiting_since, referral.referral_id))
        judged = _judge(piece, placing, market, referral)
        if judged is None:
            continue
        need, decision = judged
        if decision.chosen is not None and not picks.leaves_enough(referral, decision.chosen):
            continue
        if decision.ring > referral.ring:
            routing_steps.widen(piece, referral, decision.ring)
        way = rules.way_of(decision)
        if way is Way.OFFER and decision.chosen is not None:
            later = pace.later(decision.chosen.service.view.provider_service_id, referral.urgency)
            if later is not None:
                routing_steps.look_again(piece, referral, at=later, supply_count=supply.get(referral.category, 0))
                continue
            piece.judged_on[referral.referral_id] = judged_on(referral, placing.journeys, placing.households)
            market.hold(decision.chosen)
            plans.append(Plan(referral, decision.chosen, decision))
        elif way is Way.AFTER_DOCUMENTS:
            after_documents[referral.referral_id] = market.documents_missing(need, decision)
        elif way is Way.WAITLIST:
            waits.queue(piece, referral, need, decision, market, line, supply_count=supply.get(referral.category, 0))
        else:
            asked = bool(need.refused_by)
            waits.let_wait(piece, referral, way, asked_before=asked, supply=supply, lacking=decision.lacking)
    await waits.wait_for_documents(session, piece, placing, after_documents, supply)
    return plans


def _judge(
    piece: Work, placing: Placing, market: Market, referral: Referral
) -> tuple[candidates.Need, Decision] | None:
    """Which services may take the need. None if a review comes first. Also None after an error: the referral's clock
    continues, and a later round looks at the referral again."""
    try:
        need = queries.as_candidate(
            placing, placing.needs[referral.need_id], referral, piece.policy.consents, at=piece.at
        )
        reason = review_reason(need, piece.policy)
        decision = None if reason is not None else market.choose(need)
    except Exception as error:
        log.error("router.need_left", error=error, reason=referral.category)
        routing_steps.look_again(piece, referral, at=piece.at + rules.LOOK_AGAIN_AFTER)
        return None
    if decision is not None:
        return need, decision
    if reason is not None:
        if referral.status is ReferralStatus.WAITLISTED:
            routing_steps.serve(piece, referral)
        routing_steps.request_review(piece, referral, reason)
    return None


async def _make_offers(session: AsyncSession, piece: Work, plans: Sequence[Plan], policy: RoutingPolicy) -> int:
    """Hold the places of all offers and make those offers whose places could be held. The next round tries the rest."""
    wanted = [{share.pool.pool_id: share.places for share in plan.candidate.shares} for plan in plans]
    granted = [plan for plan, held in zip(plans, await places.hold(session, wanted), strict=True) if held]
    for plan in granted:
        make_offer(piece, plan.referral, plan.candidate, plan.decision.explanation(policy))
    return len(granted)


def make_offer(
    piece: Work,
    referral: Referral,
    candidate: Candidate,
    explanation: dict[str, object],
    *,
    overruled: frozenset[str] = frozenset(),
) -> None:
    """Offer the referral to the candidate, whose places are held. A service with automatic acceptance accepts at once.

    `overruled`: the rules that a person has overruled for this offer.
    """
    referral.overruled = overruled
    offer = routing_steps.offer(piece, referral, candidate, explanation=explanation)
    if candidate.service.view.accepts_automatically:
        with piece.acting_as(Who.AUTO.value):
            referral_steps.accept_offer(piece, offer)
