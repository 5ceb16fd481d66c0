"""Every step of DESIGN 4 that others can see has its event: each is taken, in memory, and what it tells is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from libs.events.catalogue import referral as told
from libs.events.codes import (
    CancelReason,
    DeclineReason,
    NeedCategory,
    NotDeliveredReason,
    Outcome,
    OwnerReason,
    RecallReason,
    Urgency,
)
from libs.events.event import Event
from services.referral.candidates.choice import Candidate
from services.referral.candidates.facts import Share
from services.referral.candidates.interlocks import ReviewReason
from services.referral.journeys import need_steps, offer_steps, referral_steps, routing_steps
from services.referral.journeys.facts import Journey, Need, Offer, Referral
from services.referral.journeys.owners import assign
from services.referral.journeys.rules import (
    NEXT_NEED,
    NEXT_OFFER,
    NEXT_REFERRAL,
    NeedStatus,
    NeedStep,
    OfferStatus,
    OfferStep,
    ReferralStatus,
    ReferralStep,
)
from services.referral.journeys.work import Work
from tests.contract.events.reading import MESSAGES
from tests.unit.referral.making_facts import NOW, a_policy, a_pool, a_service

NOT_YET = {told.StayEnding}
"""Events of the catalogue that nothing tells yet: no clock of a stay exists so far. Whoever adds it takes it out."""


@dataclass
class Stage:
    """One need with a referral and an offer, in memory, and the work that gathers what its steps tell."""

    work: Work
    need: Need
    referral: Referral
    offer: Offer

    @property
    def events(self) -> list[type[Event]]:
        return [type(event) for event, _ in self.work.events]


PROFILE = next(
    message.data for message in MESSAGES if (message.type, message.form) == ("returnee.registered.v1", "usual")
)
NOBODYS: dict[str, Any] = {"household_id": None, "arrival_batch_id": None}
NEED, REFERRAL, OFFER = NeedStatus, ReferralStatus, OfferStatus


def an_offer(shared: dict[str, Any], status: OfferStatus) -> Offer:
    service = a_service()
    return Offer(
        **shared,
        offer_id=uuid4(),
        referral_id=uuid4(),
        organization_id=service.view.organization_id,
        provider_service_id=service.view.provider_service_id,
        pool_id=uuid4(),
        case_code="GT-SMPL-0001",
        service_type="temporary_shelter",
        status=status,
        made_at=NOW,
        answer_by=NOW,
    )


def stage(need: NeedStatus, referral: ReferralStatus, offer: OfferStatus) -> Stage:
    returnee = uuid4()
    shared: dict[str, Any] = {
        "returnee_id": returnee,
        "need_id": uuid4(),
        "category": NeedCategory.SHELTER,
        "urgency": Urgency.URGENT,
        "people_count": 1,
        "restricted": False,
    }
    of_need = Need(**shared, **NOBODYS, after_need_id=None, status=need, reported_at=NOW)
    of_offer = an_offer(shared, offer)
    of_referral = Referral(
        **shared,
        **NOBODYS,
        referral_id=of_offer.referral_id,
        urgency_rank=1,
        status=referral,
        waiting_since=NOW,
        opened_at=NOW,
        offer_id=of_offer.offer_id,
    )
    journey = Journey(
        returnee,
        "GT-SMPL-0001",
        profile=PROFILE,
        needs={of_need.need_id: of_need},
        referrals={of_referral.referral_id: of_referral},
        offers={of_offer.offer_id: of_offer},
    )
    work = Work(NOW, a_policy(), {returnee: journey}, uuid4, lambda trace, name, of: trace, "test")
    return Stage(work, of_need, of_referral, of_offer)


def candidate() -> Candidate:
    return Candidate(a_service(), (Share(a_pool(), 1),), 0.0, ())


def offering(on: Stage) -> object:
    return routing_steps.offer(on.work, on.referral, candidate(), explanation={})


Take = Callable[[Stage], object]
NEED_STEPS: dict[NeedStep, tuple[Take, type[Event]]] = {
    NeedStep.MEET: (lambda on: need_steps.meet(on.work, on.need), told.NeedMet),
    NeedStep.REFUSE: (lambda on: need_steps.refuse(on.work, on.need), told.NeedRefused),
    NeedStep.CLOSE: (lambda on: need_steps.close(on.work, on.need, reason="duplicate"), told.NeedClosed),
    NeedStep.REOPEN: (lambda on: need_steps.reopen(on.work, on.need), told.NeedReopened),
}
OFFER_STEPS: dict[OfferStep, tuple[Take, type[Event]]] = {
    OfferStep.ACKNOWLEDGE: (lambda on: offer_steps.acknowledge(on.work, on.offer), told.OfferAcknowledged),
    OfferStep.ACCEPT: (lambda on: referral_steps.accept_offer(on.work, on.offer), told.OfferAccepted),
    OfferStep.DECLINE: (
        lambda on: referral_steps.decline_offer(on.work, on.offer, reason=DeclineReason.FULL, note=None),
        told.OfferDeclined,
    ),
    OfferStep.EXPIRE: (lambda on: referral_steps.expire_offer(on.work, on.offer), told.OfferExpired),
    OfferStep.RECALL: (
        lambda on: referral_steps.recall_offer(on.work, on.offer, reason=RecallReason.OVERRIDDEN),
        told.OfferRecalled,
    ),
}
REFERRAL_STEPS: dict[ReferralStep, tuple[Take, type[Event] | None]] = {
    ReferralStep.REQUEST_REVIEW: (
        lambda on: routing_steps.request_review(on.work, on.referral, ReviewReason.POLICY),
        told.ReferralReviewRequested,
    ),
    ReferralStep.WAITLIST: (
        lambda on: routing_steps.waitlist(on.work, on.referral, (), opening=1),
        told.ReferralWaitlisted,
    ),
    ReferralStep.OFFER: (offering, told.OfferMade),
    ReferralStep.ACCEPT: OFFER_STEPS[OfferStep.ACCEPT],
    ReferralStep.SEEK_AGAIN: OFFER_STEPS[OfferStep.EXPIRE],
    ReferralStep.START: (lambda on: referral_steps.start(on.work, on.referral), told.ReferralStarted),
    ReferralStep.COMPLETE: (
        lambda on: need_steps.complete(on.work, on.referral, outcome=Outcome.NEED_MET),
        told.ReferralCompleted,
    ),
    ReferralStep.REPORT_NOT_DELIVERED: (
        lambda on: need_steps.report_not_delivered(on.work, on.referral, reason=NotDeliveredReason.OTHER),
        told.ReferralNotDelivered,
    ),
    ReferralStep.CANCEL: (
        lambda on: need_steps.cancel(on.work, on.referral, reason=CancelReason.BY_RETURNEE),
        told.ReferralCancelled,
    ),
    ReferralStep.ENTER_IN_ERROR: (
        lambda on: need_steps.enter_in_error(on.work, on.referral, note=None),
        told.ReferralEnteredInError,
    ),
    # How the network looks for a provider is its own affair: others see the offer, the queue or the owner it ends in.
    ReferralStep.APPROVE: (lambda on: routing_steps.approve(on.work, on.referral), None),
    ReferralStep.BLOCK: (lambda on: routing_steps.block(on.work, on.referral, uuid4()), None),
    ReferralStep.UNBLOCK: (lambda on: routing_steps.unblock(on.work, on.referral), None),
    ReferralStep.SERVE: (lambda on: routing_steps.serve(on.work, on.referral), None),
}
BESIDES: dict[type[Event], Take] = {
    told.NeedAssigned: lambda on: assign(on.work, on.need, owner="lead", reason=OwnerReason.BY_HAND),
    told.ReferralOpened: lambda on: need_steps.report(on.work, on.need),
    told.ReferralEscalated: lambda on: routing_steps.escalate(on.work, on.referral, OwnerReason.NO_CANDIDATE),
    told.OfferReminded: lambda on: offer_steps.remind(on.work, on.offer),
}
"""What happens without a change of state."""
WITH_OFFER = {
    REFERRAL.OFFERED: OFFER.PENDING,
    REFERRAL.ACCEPTED: OFFER.ACCEPTED,
    REFERRAL.IN_SERVICE: OFFER.ACCEPTED,
    REFERRAL.COMPLETED: OFFER.ACCEPTED,
}
"""In which state the offer is, by that of its referral; elsewhere it has ended."""


def on_referral(status: ReferralStatus) -> Stage:
    made = stage(NEED.OPEN, status, WITH_OFFER.get(status, OFFER.EXPIRED))
    if status not in WITH_OFFER:
        made.referral.offer_id = None
    return made


@pytest.mark.parametrize(("state", "step"), sorted(NEXT_NEED))
def test_every_step_of_a_need_is_told(state: NeedStatus, step: NeedStep) -> None:
    take, event = NEED_STEPS[step]
    made = on_referral(REFERRAL.SEEKING)
    made.need.status = state
    take(made)
    assert event in made.events
    assert made.need.status is NEXT_NEED[state, step]


@pytest.mark.parametrize(("state", "step"), sorted(NEXT_REFERRAL))
def test_every_step_of_a_referral_that_others_can_see_is_told(state: ReferralStatus, step: ReferralStep) -> None:
    """Seen to fail when `waitlist` told nothing."""
    take, event = REFERRAL_STEPS[step]
    made = on_referral(state)
    take(made)
    assert made.referral.status is NEXT_REFERRAL[state, step]
    assert made.events == [] if event is None else event in made.events


@pytest.mark.parametrize(("state", "step"), sorted(NEXT_OFFER))
def test_every_step_of_an_offer_is_told(state: OfferStatus, step: OfferStep) -> None:
    take, event = OFFER_STEPS[step]
    made = stage(NEED.OPEN, REFERRAL.OFFERED, state)
    take(made)
    assert made.offer.status is NEXT_OFFER[state, step]
    assert event in made.events


@pytest.mark.parametrize("event", BESIDES)
def test_what_happens_without_a_change_of_state_is_told(event: type[Event]) -> None:
    made = stage(NEED.OPEN, REFERRAL.OFFERED, OFFER.PENDING)
    BESIDES[event](made)
    assert event in made.events


def test_every_event_of_the_catalogue_is_told_by_some_step() -> None:
    rows = [*NEED_STEPS.values(), *REFERRAL_STEPS.values(), *OFFER_STEPS.values()]
    assert {event for _, event in rows if event} | set(BESIDES) | NOT_YET == set(told.EVENTS)
    assert set(NEED_STEPS) == set(NeedStep)
    assert set(REFERRAL_STEPS) == set(ReferralStep)
    assert set(OFFER_STEPS) == set(OfferStep)
