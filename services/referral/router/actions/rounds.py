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
from services.referral.candidates.choice import Candidate, Market
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions.writing import work
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.kept_apart.queries import apart_from
from services.referral.lifecycles.printed import Who
from services.referral.pack.policy import RoutingPolicy
from services.referral.places import actions as places
from services.referral.places import queries as ledger
from services.referral.providers import queries as providers
from services.referral.providers.queries import Listed, Views
from services.referral.router import queries, rules, together
from services.referral.router.actions import reaching, waits
from services.referral.router.actions.deciding import Decider, Plan
from services.referral.router.picks import Picks, begin_round, pick_ready, pick_woken
from services.referral.router.queries import Placing
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.waitlists import actions as waitlists

log = get_logger(__name__)

WOKEN_MAX: Final = 500
"""The maximum number of waiting referrals that one round looks at again."""


@dataclass(slots=True)
class Memory:
    """What the leading router keeps in memory between rounds. All of it can be read from the database again."""

    views: Views = field(default_factory=Views)
    records: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)
    """By service: how many offers were made and answered recently."""
    swept: dict[str, int] = field(default_factory=dict)
    """By category: the count of changes of supply at which its waiting referrals were last looked at."""
    unfit: tuple[object, list[UUID]] = (None, [])
    """The services that may take nobody now, with the state for which they were found."""


@dataclass(frozen=True, slots=True)
class Round:
    """The result of a round."""

    looked_at: int = 0
    offered: int = 0
    is_full: bool = False
    """True if more referrals were ready than one round may take."""


async def place_referrals(session: AsyncSession, policy: RoutingPolicy, memory: Memory) -> Round:
    """One round: by urgency, then by waiting time. Either all of its results are committed, or none."""
    at = now(session)
    await begin_round(session, policy.country)
    # Read before the free places. A change of supply in between then causes an unnecessary second look; no change is
    # missed.
    supply = await ledger.supply_counts(session)
    picks = await _pick(session, policy, memory, supply, at)
    if not picks.picked:
        return Round()
    placing = await queries.to_place(session, picks.picked, policy.taxonomy)
    await _meet_households(session, placing)
    placing.apart = await apart_from(session, policy.taxonomy, placing.journeys)
    async with work(session, policy, placing.journeys, actor=Who.ROUTER.value) as piece:
        for referral in placing.referrals:
            journey = piece.journeys[referral.returnee_id]
            journey.needs[referral.need_id] = placing.needs[referral.need_id]
            journey.referrals[referral.referral_id] = referral
        near = await reaching.within(session, policy, memory.views, placing, at=at)
        found = await services(session, near.listed, memory.records, today=at)
        line = await queries.line(session, placing, found, supply)
        pace = await queries.pace(session, found, placing, policy, at)
        decider = Decider(piece, placing, Market(found, policy, at), near, line, supply, pace, picks)
        plans = decider.decide()
        await waits.wait_for_documents(session, piece, placing, decider.after_documents, supply)
        offered = await _make_offers(session, piece, plans)
    await waitlists.keep_pools(session, line.keeps, at=at, within=policy.rounds.keep_places_for)
    return Round(len(picks.picked), offered, picks.is_full)


async def _pick(
    session: AsyncSession, policy: RoutingPolicy, memory: Memory, supply: Mapping[str, int], at: datetime
) -> Picks:
    picks = await pick_ready(session, at=at, limit=policy.rounds.offers_max)
    changed = rules.with_changed_supply(supply, memory.swept)
    if changed:
        woken = await pick_woken(session, changed=changed, limit=WOKEN_MAX)
        if len(woken) < WOKEN_MAX:
            memory.swept.update(changed)
        picks = replace(picks, picked=[*picks.picked, *woken], is_full=picks.is_full or len(woken) == WOKEN_MAX)
    others = await together.others_of(session, policy.taxonomy, picks.picked) if picks.picked else []
    return replace(picks, picked=[*picks.picked, *others])


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
    session: AsyncSession,
    listed: Sequence[Listed],
    records: Mapping[UUID, tuple[int, int]],
    *,
    today: datetime,
) -> list[candidates.Service]:
    """These services with their free places.

    `records`, by service: how many offers were made to it recently, and how many it answered.
    """
    ids = [one.view.provider_service_id for one in listed]
    pools = await ledger.pools(session, ids, today=today.date())
    waiting = await queries.open_offers(session, ids)
    ended = await providers.no_longer_offered(session, ids)
    found = []
    for one in listed:
        key = one.view.provider_service_id
        made, answered = records.get(key, (0, 0))
        is_offered = key not in ended
        service = candidates.Service(
            one.view, one.organization, pools.get(key, ()), answered, made, waiting.get(key, 0), is_offered
        )
        found.append(service)
    return found


async def _make_offers(session: AsyncSession, piece: Work, plans: Sequence[Plan]) -> int:
    """Hold the places of all offers and make those offers whose places could be held. The next round tries the rest."""
    held = await places.hold(session, [plan.places for plan in plans])
    granted = [plan for plan, is_held in zip(plans, held, strict=True) if is_held]
    make_offers(piece, granted)
    return sum(len(plan.offers) for plan in granted)


def make_offers(piece: Work, granted: Sequence[Plan]) -> None:
    """Make these offers, whose places are held."""
    for plan in granted:
        for referral, candidate in plan.offers:
            make_offer(piece, referral, candidate, plan.decision.explanation(piece.policy))


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
