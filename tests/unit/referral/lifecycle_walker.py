"""The ground that random walks stand on: steps as the model allows them, clocks that run out, what must hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from libs.chassis.errors import Conflict
from libs.events.catalogue.journeys import JudgedOn
from libs.events.codes import Awaited, CancelReason, OwnerReason
from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import Journey, Need, Offer, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import LIVE_OFFER, ReferralStatus
from services.referral.steps import offers as offer_steps
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps import searches as search_steps
from tests.unit.referral.kept_journey import Kept
from tests.unit.referral.lifecycle_model import Model

PEOPLE = ["desk:maria", "provider:casa"]
CANCELS = [CancelReason.BY_RETURNEE, CancelReason.CONSENT_WITHDRAWN, CancelReason.DUPLICATE, CancelReason.MET_ELSEWHERE]
"""Those that people may give."""
JUDGED_ON = JudgedOn(profiles=[], household_version=None)

OVERDUE = {
    TimerKind.ROUTING_DEADLINE: ({"seeking", "waitlisted", "blocked"}, OwnerReason.ROUTING_OVERDUE),
    TimerKind.WAITLIST_DEADLINE: ({"waitlisted"}, OwnerReason.WAITLIST_OVERDUE),
    TimerKind.START_DEADLINE: ({"accepted"}, OwnerReason.REPORT_OVERDUE),
    TimerKind.REPORT_DEADLINE: ({"in_service"}, OwnerReason.REPORT_OVERDUE),
}

REMINDED = {
    TimerKind.START_REMINDER: (Awaited.START, "accepted"),
    TimerKind.REPORT_REMINDER: (Awaited.REPORT, "in_service"),
}


class Walker(RuleBasedStateMachine):
    """One returnee with a few needs that may wait on each other; the steps are the service's own."""

    def __init__(self) -> None:
        super().__init__()
        self.kept, self.model = Kept(), Model()
        self.ids: list[UUID] = []

    def take(self, allowed: bool, actor: str, step: Callable[[Work, Journey], object]) -> None:
        """The step is taken if the model allows it, else refused with a 409; nothing in between."""
        if allowed:
            self.kept.work(actor, step)
            return
        with pytest.raises(Conflict):
            self.kept.work(actor, step)

    def on_need(self, n: int, allowed: Callable[[int], bool], actor: str, step: Callable[[Work, Need], Any]) -> None:
        n %= len(self.ids)
        self.take(allowed(n), actor, lambda work, journey: step(work, journey.needs[self.ids[n]]))

    def on_referral(
        self, n: int, allowed: Callable[[int], bool], actor: str, step: Callable[[Work, Referral], Any]
    ) -> None:
        """On the need's newest referral."""
        n %= len(self.ids)
        newest = [one for one in self.kept.journey.referrals.values() if one.need_id == self.ids[n]][-1]
        self.take(allowed(n), actor, lambda work, journey: step(work, journey.referrals[newest.referral_id]))

    def on_offer(self, n: int, allowed: Callable[[int], bool], actor: str, step: Callable[[Work, Offer], Any]) -> None:
        """On the newest offer of the need, if it has one."""
        n %= len(self.ids)
        offers = [one for one in self.kept.journey.offers.values() if one.need_id == self.ids[n]]
        if offers:
            self.take(allowed(n), actor, lambda work, journey: step(work, journey.offers[offers[-1].offer_id]))

    # clocks

    @precondition(lambda self: any(self.kept.timers.values()))
    @rule(data=st.data())
    def a_clock_runs_out(self, data: st.DataObject) -> None:
        due = [(key, *one) for key, clocks in self.kept.timers.items() for one in sorted(clocks)]
        key, kind, nth = data.draw(st.sampled_from(due))
        self.kept.timers[key].discard((kind, nth))
        self.kept.work("clock", lambda work, journey: self._fire(work, journey, key, kind))

    def _fire(self, work: Work, journey: Journey, key: UUID, kind: TimerKind) -> None:
        if kind is TimerKind.OFFER_EXPIRY:
            assert self.model.answer(self.ids.index(journey.offers[key].need_id), "expired")
            referral_steps.expire_offer(work, journey.offers[key])
        elif kind is TimerKind.OFFER_REMINDER and journey.offers[key].status in LIVE_OFFER:
            offer_steps.remind(work, journey.offers[key])
        elif kind in REMINDED:
            awaits, state = REMINDED[kind]
            assert journey.referrals[key].status == state, "a reminder of what is not waited for"
            referral_steps.remind(work, journey.referrals[key], awaits=awaits, due_by=work.at)
        elif kind is TimerKind.OWNER_SILENCE:
            routing_steps.escalate_silence(work, journey.needs[key])
        elif kind is TimerKind.SEARCH_DEADLINE and journey.referrals[key].searching_since is not None:
            search_steps.remind(work, journey.referrals[key])
        elif kind in OVERDUE:
            states, reason = OVERDUE[kind]
            if journey.referrals[key].status in set(map(ReferralStatus, states)):
                routing_steps.escalate(work, journey.referrals[key], reason)

    # what must hold

    @invariant()
    def everything_is_where_the_model_says(self) -> None:
        for key, told in zip(self.ids, self.model.needs, strict=True):
            referrals = [one for one in self.kept.journey.referrals.values() if one.need_id == key]
            offers = [one for one in self.kept.journey.offers.values() if one.referral_id == referrals[-1].referral_id]
            assert self.kept.journey.needs[key].status == told.need
            assert referrals[-1].status == told.referral
            assert (referrals[-1].halted_since is not None) == told.halted
            assert (offers[-1].status if offers else None) == told.offer

    @invariant()
    def what_is_kept_holds_together(self) -> None:
        self.kept.check()
