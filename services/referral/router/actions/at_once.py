"""Offers to new referrals in the transaction that opens them, if a round would make the same offers (decision 0093).

A referral is left to the router if anything but its own facts could matter for its offer, or for the offers to others.
Nothing is decided here about such a referral: it stays ready for the next round.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.codes import NeedCategory, Urgency
from services.referral.candidates.choice import Market
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.kept_apart.queries import kept_apart
from services.referral.lifecycles.printed import Who
from services.referral.lifecycles.rules import ROUTED
from services.referral.places import actions as places
from services.referral.places import queries as ledger
from services.referral.router import picks, queries
from services.referral.router.actions import reaching, rounds
from services.referral.router.actions.deciding import Decider, Plan
from services.referral.router.actions.rounds import Memory
from services.referral.router.picks import Other, Picks
from services.referral.router.rules import Line, spread, with_changed_supply

AT_ONCE_MAX: Final = 150
"""If more referrals than this are opened together, all are left to the router: the transaction of the batch stays
short."""


@dataclass(slots=True)
class Opened:
    """The new referrals that the next round would look at."""

    alone: list[Referral] = field(default_factory=list)
    """Those that need not wait for anybody: no flight, no household, nobody to be kept apart from."""
    of_people: dict[UUID, set[NeedCategory]] = field(default_factory=dict)
    """By returnee: the categories of all of them. A round decides about the needs of a person with the same facts."""
    left: set[NeedCategory] = field(default_factory=set)
    """The categories in which somebody must wait for a round. Nobody is placed in them before."""
    people_waiting: Counter[NeedCategory] = field(default_factory=Counter)
    """By category: for how many people there are other new referrals, which wait for a flight or a profile."""

    def leave(self, categories: Iterable[NeedCategory]) -> None:
        """Leave these categories to a round, and those that people connect with them."""
        self.left = spread({*self.left, *categories}, self.of_people.values())

    def placed_now(self) -> list[Referral]:
        """The referrals that are not left to a round."""
        return [one for one in self.alone if one.category not in self.left]


def ready_in(piece: Work) -> list[Referral]:
    """The new referrals of this work that may be placed at once; none if there are too many."""
    ready = [one for one in piece.added.values() if isinstance(one, Referral) and _is_ready(one)]
    return ready if len(ready) <= AT_ONCE_MAX else []


async def place(session: AsyncSession, memory: Memory, piece: Work, ready: Sequence[Referral]) -> None:
    """Offer those of these referrals (`ready_in`) that need not wait for a round.

    The caller has locked their journeys, writes the work, and takes no lock of a pool after that.
    """
    if not await picks.may_place(session, piece.policy.country):
        return
    opened = await _opened(session, piece, ready)
    supply = await ledger.supply_counts(session)
    changed = with_changed_supply(supply, memory.swept)
    since = _flights_since(piece)
    others = await picks.pick_others(session, at=piece.at, changed=changed, opened_since=since)
    if len(others) > picks.OTHERS_MAX:
        return
    opened.leave(_of(others, opened.of_people))
    if opened.placed_now():
        decider = await _decider(session, memory, piece, opened, supply)
        await _offer(session, piece, decider, _plans(decider, opened))


async def _opened(session: AsyncSession, piece: Work, ready: Sequence[Referral]) -> Opened:
    """The new referrals as a round would pick them, with the reasons why some must wait for it."""
    flights = {one.arrival_batch_id for one in ready if _goes_with_flight(one) and one.arrival_batch_id is not None}
    open_now = await picks.may_be_open(session, flights, since=_flights_since(piece)) if flights else set()
    apart = await kept_apart(session, {one.returnee_id for one in ready})
    opened, left = Opened(), set()
    for one in ready:
        journey = piece.journeys[one.returnee_id]
        if journey.profile is None or (_goes_with_flight(one) and one.arrival_batch_id not in open_now):
            opened.people_waiting[one.category] += one.people_count  # the next round does not look at it either
            continue
        opened.of_people.setdefault(one.returnee_id, set()).add(one.category)
        is_alone = journey.household_id is None and one.household_id is None and one.returnee_id not in apart
        if is_alone and not _goes_with_flight(one):
            opened.alone.append(one)
        else:
            left.add(one.category)
    opened.leave(left)
    return opened


def _is_ready(referral: Referral) -> bool:
    """False for one that waits for a review or for another need."""
    return referral.status in ROUTED and referral.ready_at is not None


def _goes_with_flight(referral: Referral) -> bool:
    return referral.arrival_batch_id is not None and referral.urgency is Urgency.NORMAL


def _flights_since(piece: Work) -> datetime:
    return piece.at - timedelta(seconds=piece.policy.rounds.batch_timeout)


def _of(others: Collection[Other], of_people: Mapping[UUID, Collection[NeedCategory]]) -> set[NeedCategory]:
    """The categories of these others, and all those of people who are among them."""
    again = (of_people.get(one.returnee_id, ()) for one in others)
    return {one.category for one in others}.union(*again)


async def _decider(
    session: AsyncSession, memory: Memory, piece: Work, opened: Opened, supply: Mapping[str, int]
) -> Decider:
    """What decides in a round, for the referrals that are placed now. Categories in whose queues somebody waits for a
    free place are left, so no place must be set aside."""
    policy, at = piece.policy, piece.at
    placing = await queries.to_place_at_once(session, opened.placed_now(), piece.journeys)
    near = await reaching.within(session, policy, memory.views, placing, at=at)
    found = await rounds.services(session, near.listed, memory.records, today=at)
    opened.leave(await queries.queued_for(session, found))
    pace = await queries.pace(session, found, placing, policy, at)
    # A need that is not urgent takes no place that somebody else could need, for example the people of a flight whose
    # intake is not complete.
    patient = frozenset(one.referral_id for one in placing.referrals if one.urgency is Urgency.NORMAL)
    waiting = opened.people_waiting + Counter(await picks.people_ready(session, at, ()) if patient else {})
    nobody_ahead = Line({}, (), looked_at=())
    picked = Picks(newcomers=patient, ahead=waiting)
    return Decider(piece, placing, Market(found, policy, at), near, nobody_ahead, supply, pace, picked)


def _plans(decider: Decider, opened: Opened) -> list[Plan]:
    """The offers that may be made now, in the order of a round."""
    plans: list[tuple[NeedCategory, Plan]] = []
    for referral in decider.placing.referrals:
        if referral.category in opened.left:
            continue
        plan = decider.decide_offer(referral)
        if plan is None:
            opened.leave({referral.category})
        else:
            plans.append((referral.category, plan))
    return [plan for category, plan in plans if category not in opened.left]


async def _offer(session: AsyncSession, piece: Work, decider: Decider, plans: Sequence[Plan]) -> None:
    """Make these offers, all or none: if another transaction uses one of their pools now, the next round makes them."""
    wanted: Counter[UUID] = Counter()
    for plan in plans:
        wanted.update(plan.places)
    (is_held,) = await places.hold(session, [wanted], waits=False)
    if not is_held:
        return
    with piece.acting_as(Who.ROUTER.value):
        for plan in plans:
            for referral, _ in plan.offers:
                decider.widen(referral, plan.decision)
        rounds.make_offers(piece, plans)
