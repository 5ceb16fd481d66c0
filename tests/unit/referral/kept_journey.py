"""What `journeys/actions.write` would keep of each piece of work, in memory: rows, clocks, places, record, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.chassis.errors import Conflict
from libs.events.codes import NeedCategory, Urgency
from services.referral.clocks.rules import REMINDERS, TimerKind
from services.referral.journeys.actions.signs_of_life import note_signs_of_life
from services.referral.journeys.facts import Journey, Need, Offer, Referral
from services.referral.journeys.work import Step, Work
from services.referral.lifecycles.printed import Row
from services.referral.lifecycles.rules import LIVE_OFFER, LIVE_REFERRAL, NEEDS, OFFERS, REFERRALS
from tests.unit.referral.making_facts import NOW, a_policy

RETURNEE = UUID(int=1)
ROWS: dict[str, list[Row[Any, Any]]] = {}
for _table in (NEEDS, REFERRALS, OFFERS):
    for _row in _table.rows:
        ROWS.setdefault(f"{_table.subject}.{_row.step.value}", []).append(_row)
POLICY = a_policy(categories={"health": {"review": True}})


@dataclass
class Kept:
    """One returnee's journey after all work so far."""

    journey: Journey = field(default_factory=lambda: Journey(RETURNEE, "GT-SMPL-0001"))
    at: Any = NOW
    timers: dict[UUID, set[tuple[TimerKind, int]]] = field(default_factory=dict)
    held: dict[UUID, int] = field(default_factory=dict)
    taken: dict[UUID, int] = field(default_factory=dict)
    queue: set[UUID] = field(default_factory=set)
    reviews: dict[UUID, str] = field(default_factory=dict)
    """By referral: the reason of the review that waits."""
    states: dict[UUID, str] = field(default_factory=dict)
    """By subject: where its last recorded step has led."""

    def work(self, actor: str, steps: Callable[[Work, Journey], object]) -> None:
        """Take steps on a copy of the journey and keep what comes of it, unless they are refused."""
        self.at += timedelta(seconds=1)
        journey = deepcopy(self.journey)
        piece = Work(self.at, POLICY, {RETURNEE: journey}, uuid4, lambda trace, name, of: trace, actor)
        try:
            steps(piece, journey)
        except Conflict:
            assert journey == self.journey, "a refused step has changed something"
            raise
        note_signs_of_life(piece)
        self.journey = journey
        self._check_record(piece)
        self._keep(piece)

    def new_need(self, category: NeedCategory, after: UUID | None) -> Need:
        return Need(
            need_id=uuid4(),
            returnee_id=RETURNEE,
            household_id=None,
            arrival_batch_id=None,
            category=category,
            urgency=Urgency.URGENT,
            people_count=2,
            restricted=False,
            after_need_id=after,
            status=next(row.to for row in NEEDS.rows if row.state is None),
            reported_at=self.at,
        )

    def _keep(self, piece: Work) -> None:
        for one in piece.added.values():
            if isinstance(one, Offer):
                self.held[one.offer_id] = sum(places for _, places in piece.shares[one.offer_id])
        for offer in piece.taken:
            self.taken[offer.offer_id] = self.held.pop(offer.offer_id)
        for release in piece.released:
            kept = self.held if release.offer.offer_id in self.held else self.taken
            del kept[release.offer.offer_id]
        self.queue = (self.queue - piece.unqueued) | piece.queued.keys()
        self.reviews |= {one.referral.referral_id: one.reason for one in piece.reviews_asked}
        for decided in piece.reviews_decided:
            del self.reviews[decided.referral_id]
        for subject in piece.stopped:
            self.timers.pop(subject, None)
        for subject, kind in piece.stopped_kinds:
            self.timers[subject] = {one for one in self.timers.get(subject, set()) if one[0] is not kind}
        for subject, started in piece.timers.items():
            self.timers.setdefault(subject, set()).update((one.kind, one.nth) for one in started)

    def _check_record(self, piece: Work) -> None:
        """Each recorded step is a row of the tables from where its subject stood, by who may, and tells its event."""
        for step in piece.steps:
            subject = {"need": step.need_id, "referral": step.referral_id, "offer": step.offer_id}
            key = subject[step.step.split(".")[0]]
            assert key is not None
            stood = self.states.get(key)
            fits = [row for row in ROWS[step.step] if (row.state, row.to) == (stood, step.led_to)]
            assert any(actor_of(step) in row.who for row in fits), (stood, step)
            self.states[key] = step.led_to
        told = Counter(event.type for event, _ in piece.events)
        assert told == Counter(event for step in piece.steps if (event := ROWS[step.step][0].event))

    # what must hold after every step

    def check(self) -> None:
        self._check_first_invariant()
        self._check_clocks()
        self._check_places()
        live = [one for one in self.journey.referrals.values() if one.status in LIVE_REFERRAL]
        assert len({one.need_id for one in live}) == len(live), "two live referrals of one need"
        asked = [one for one in self.journey.offers.values() if one.status in LIVE_OFFER]
        assert {one.offer_id for one in asked} == {one.offer_id for one in live if one.status == "offered"}
        assert self.queue == {one.referral_id for one in live if one.status == "waitlisted"}
        assert self.reviews.keys() == {one.referral_id for one in live if one.status == "awaiting_review"}

    def _check_first_invariant(self) -> None:
        for need in self.journey.needs.values():
            if need.status != "open":
                assert need.owner is None
                continue
            referral = self.journey.live_referral(need.need_id)
            runs = referral is not None and any(
                self._clocks(one) - REMINDERS for one in (referral.referral_id, referral.offer_id)
            )
            waits = referral is not None and (referral.status == "waitlisted" or self._waits_on_another(referral))
            assert need.owner is not None or runs or waits, (need, referral)

    def _waits_on_another(self, referral: Referral) -> bool:
        other = self.journey.needs.get(referral.blocked_by) if referral.blocked_by else None
        return referral.status == "blocked" and other is not None and other.status == "open"

    def _check_clocks(self) -> None:
        alive: set[UUID] = set()
        for need in self.journey.needs.values():
            owned = TimerKind.OWNER_SILENCE in self._clocks(need.need_id)
            assert owned == (need.owner is not None)
            alive.add(need.need_id)
        for offer in self.journey.offers.values():
            assert (TimerKind.OFFER_EXPIRY in self._clocks(offer.offer_id)) == (offer.status in LIVE_OFFER)
            alive |= {offer.offer_id} if offer.status in LIVE_OFFER else set()
        for referral in self.journey.referrals.values():
            wanted = {"accepted": TimerKind.START_DEADLINE, "in_service": TimerKind.REPORT_DEADLINE}
            if (kind := wanted.get(referral.status)) is not None:
                owner = self.journey.needs[referral.need_id].owner
                assert owner is not None or kind in self._clocks(referral.referral_id), referral
            alive |= {referral.referral_id} if referral.is_live else set()
        assert {key for key, clocks in self.timers.items() if clocks} <= alive, "a clock of what has ended"

    def _clocks(self, subject: UUID | None) -> set[TimerKind]:
        return set() if subject is None else {kind for kind, _ in self.timers.get(subject, set())}

    def _check_places(self) -> None:
        offers, referrals = self.journey.offers.values(), self.journey.referrals
        assert self.held == {one.offer_id: one.people_count for one in offers if one.status in LIVE_OFFER}
        served = {"accepted", "in_service"}
        assert self.taken == {
            one.offer_id: one.people_count
            for one in offers
            if one.status == "accepted" and referrals[one.referral_id].status in served
        }


def actor_of(step: Step) -> str:
    """Who of `Who` it was; people and partners are recorded here as `desk:...` and `provider:...`."""
    return step.actor.split(":")[0]
