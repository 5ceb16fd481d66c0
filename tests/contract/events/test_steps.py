"""Every row of the tables of states is taken, in memory: it leads where it says and tells what it says, no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue import referral as told
from libs.events.catalogue.journeys import JudgedOn
from libs.events.codes import (
    Awaited,
    CancelReason,
    CloseReason,
    DeclineReason,
    NotDeliveredReason,
    Outcome,
    OwnerReason,
    RecallReason,
    Urgency,
)
from services.referral.candidates.choice import Candidate
from services.referral.candidates.facts import Share
from services.referral.candidates.interlocks import ReviewReason
from services.referral.candidates.score import PARTS
from services.referral.consequences import halts, telling
from services.referral.journeys.facts import Journey, Need, Offer, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.exit_plan import ExitItem, ItemStatus, NextStep
from services.referral.lifecycles.printed import Row
from services.referral.lifecycles.rules import (
    NEEDS,
    OFFERS,
    REFERRALS,
    NeedStatus,
    NeedStep,
    OfferStatus,
    OfferStep,
    ReferralStatus,
    ReferralStep,
)
from services.referral.steps import needs as need_steps
from services.referral.steps import offers as offer_steps
from services.referral.steps import opening, owners
from services.referral.steps import prerequisites as prerequisite_steps
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps import searches as search_steps
from services.referral.steps import stays as stay_steps
from tests.chaos.checks.facts import STEP_EVENTS
from tests.contract.events.reading import MESSAGES
from tests.unit.referral.making_facts import NOW, a_policy, a_pool, a_service, a_stay


@dataclass
class Stage:
    """One need with a referral and an offer, in memory, and the work that gathers what its steps tell."""

    work: Work
    need: Need
    referral: Referral
    offer: Offer


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
        "category": "shelter",
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
    return Candidate(a_service(), (Share(a_pool(), 1),), 0.0, (0.0,) * len(PARTS))


def other_need(on: Stage) -> UUID:
    """Another open need of the same person."""
    other = replace(on.need, need_id=uuid4())
    on.work.journeys[on.need.returnee_id].needs[other.need_id] = other
    return other.need_id


def waiting(on: Stage) -> Need:
    """The need, told to wait on another."""
    on.need.after_need_id = other_need(on)
    return on.need


def searched(on: Stage) -> Referral:
    """The referral, while somebody looks for its person."""
    on.referral.searching_since = NOW
    return on.referral


TELLS = {f"{table.subject}.{row.step.value}": row.event for table in (NEEDS, REFERRALS, OFFERS) for row in table.rows}
"""By step, as the record names it: the event that it tells."""


def owned(on: Stage) -> None:
    """The steward's desk answers: nobody is above it."""
    on.need.owner = on.work.policy.steward_desk


JUDGED_ON = JudgedOn(profiles=[], household_version=None)


def stopped(on: Stage) -> None:
    """The offer breaks a rule now."""
    halts.stop(on.work, on.referral, broken={"do_not_share"}, judged_on=JUDGED_ON, child=False)


Take = Callable[[Stage], object]
NOTHING_DONE = dict.fromkeys(ExitItem, ItemStatus.OPEN)
STEPS: dict[str, Take] = {
    "need.report": lambda on: need_steps.report(on.work, on.need),
    "need.meet": lambda on: need_steps.meet(on.work, on.need),
    "need.refuse": lambda on: need_steps.refuse(on.work, on.need),
    "need.close": lambda on: need_steps.close(on.work, on.need, reason=CloseReason.DUPLICATE),
    "need.reopen": lambda on: need_steps.reopen(on.work, on.need),
    "need.assign": lambda on: owners.assign(on.work, on.need, owner="lead", reason=OwnerReason.BY_HAND),
    "need.hand_over": lambda on: owners.hand_over(on.work, on.need, to="lead", note=None, hand_over_id=uuid4()),
    "need.tell_again": lambda on: telling.tell_again(on.work, on.need, urgency=Urgency.EMERGENCY),
    "need.refine": lambda on: telling.tell_again(on.work, on.need, urgency=on.need.urgency, kind="family_shelter"),
    "need.acknowledge": lambda on: (owned(on), need_steps.acknowledge(on.work, on.need)),
    "need.remind_owner": lambda on: (owned(on), owners.pass_on(on.work, on.need)),
    "need.seek_again": lambda on: need_steps.seek_again(on.work, on.need),
    "referral.open": lambda on: opening.open_referral(on.work, on.need),
    "referral.request_review": lambda on: routing_steps.request_review(on.work, on.referral, ReviewReason.POLICY),
    "referral.approve": lambda on: routing_steps.approve(on.work, on.referral, reason=ReviewReason.POLICY),
    "referral.reject": lambda on: referral_steps.reject(on.work, on.referral, note=None),
    "referral.block": lambda on: routing_steps.block(on.work, on.referral, uuid4()),
    "referral.unblock": lambda on: routing_steps.unblock(on.work, on.referral),
    "referral.waitlist": lambda on: routing_steps.waitlist(on.work, on.referral, (), {}, supply_count=1),
    "referral.serve": lambda on: routing_steps.serve(on.work, on.referral),
    "referral.offer": lambda on: routing_steps.offer(on.work, on.referral, candidate(), explanation={}),
    "referral.seek_again": lambda on: referral_steps.expire_offer(on.work, on.offer),
    "referral.accept": lambda on: referral_steps.accept_offer(on.work, on.offer),
    "referral.start": lambda on: referral_steps.start(on.work, on.referral),
    "referral.complete": lambda on: need_steps.complete(on.work, on.referral, outcome=Outcome.NEED_MET),
    "referral.report_not_delivered": lambda on: need_steps.report_not_delivered(
        on.work, on.referral, reason=NotDeliveredReason.OTHER
    ),
    "referral.cancel": lambda on: need_steps.cancel(on.work, on.referral, reason=CancelReason.BY_RETURNEE),
    "referral.enter_in_error": lambda on: need_steps.enter_in_error(on.work, on.referral, note=None),
    "referral.escalate": lambda on: routing_steps.escalate(on.work, on.referral, OwnerReason.NO_CANDIDATE),
    "referral.widen": lambda on: routing_steps.widen(on.work, on.referral, 1),
    "referral.look": lambda on: need_steps.seek_again(on.work, on.need),
    "referral.override": lambda on: on.work.record(ReferralStep.OVERRIDE, on.referral, note="they know her"),
    "need.set_prerequisite": lambda on: prerequisite_steps.set_prerequisite(on.work, on.need, other_need(on)),
    "need.remove_prerequisite": lambda on: prerequisite_steps.remove_prerequisite(on.work, waiting(on)),
    "referral.search": lambda on: search_steps.begin(on.work, on.referral),
    "referral.search_attempt": lambda on: search_steps.log(on.work, searched(on), result="not_found", note=None),
    "referral.search_due": lambda on: search_steps.remind(on.work, searched(on)),
    "referral.plan_exit": lambda on: stay_steps.plan(
        on.work, on.referral, a_stay(on.referral, on.offer), next_step=NextStep.FAMILY, items=NOTHING_DONE
    ),
    "referral.alarm_stay": lambda on: stay_steps.alarm(on.work, on.referral, a_stay(on.referral, on.offer), nth=0),
    "referral.extend_stay": lambda on: stay_steps.extend(
        on.work, on.referral, a_stay(on.referral, on.offer), hours=8, note="no bus today"
    ),
    "referral.run_out": lambda on: stay_steps.run_out(on.work, on.referral, a_stay(on.referral, on.offer)),
    "referral.remind": lambda on: referral_steps.remind(on.work, on.referral, awaits=Awaited.START, due_by=on.work.at),
    "referral.judge": stopped,
    "referral.halt": stopped,
    "referral.uphold": lambda on: halts.still_stands(on.work, on.referral, JUDGED_ON),
    "offer.make": lambda on: routing_steps.offer(on.work, on.referral, candidate(), explanation={}),
    "offer.acknowledge": lambda on: offer_steps.acknowledge(on.work, on.offer),
    "offer.accept": lambda on: referral_steps.accept_offer(on.work, on.offer),
    "offer.decline": lambda on: referral_steps.decline_offer(on.work, on.offer, reason=DeclineReason.FULL, note=None),
    "offer.expire": lambda on: referral_steps.expire_offer(on.work, on.offer),
    "offer.recall": lambda on: referral_steps.recall_offer(on.work, on.offer, reason=RecallReason.OVERRIDDEN),
    "offer.remind": lambda on: offer_steps.remind(on.work, on.offer),
}
"""How each step is taken in memory."""
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


def staged(subject: str, row: Row[Any, Any]) -> Stage:
    """A need, referral and offer from which the row's step may be taken."""
    if subject == "need":
        made = on_referral(REFERRAL.SEEKING)
        made.need.status = row.state or NEED.OPEN
    elif subject == "offer":
        made = stage(NEED.OPEN, REFERRAL.OFFERED, row.state or OFFER.EXPIRED)
        if row.state is None:
            made.referral.status = REFERRAL.SEEKING
    elif row.state is None:
        made = on_referral(REFERRAL.CANCELLED)
        made.need.after_need_id = uuid4() if row.to is REFERRAL.BLOCKED else None
    else:
        made = on_referral(row.state)
    return made


ROWS = [(table.subject, row) for table in (NEEDS, REFERRALS, OFFERS) for row in table.rows]


@pytest.mark.parametrize(
    ("subject", "row"), ROWS, ids=lambda one: one if isinstance(one, str) else f"{one.state}-{one.step}"
)
def test_every_row_leads_where_it_says_and_tells_what_it_says(subject: str, row: Row[Any, Any]) -> None:
    """Seen to fail when `waitlist` told nothing, when `accept` told twice, and with an event of another row."""
    made = staged(subject, row)
    STEPS[f"{subject}.{row.step}"](made)
    taken = [(one.step, one.led_to) for one in made.work.steps]
    assert (f"{subject}.{row.step}", row.to) in taken
    assert Counter(event.type for event, _ in made.work.events) == Counter(
        TELLS[step] for step, _ in taken if TELLS[step] is not None
    )


ABOUT_PEOPLE = {told.AgeDecided.type}
"""Told by no row: a decision about a person may end the reviews of several needs, or of none."""


def test_every_event_of_the_catalogue_is_told_by_some_row() -> None:
    assert {row.event for _, row in ROWS if row.event} | ABOUT_PEOPLE == {one.type for one in told.EVENTS}


def test_every_step_has_a_row() -> None:
    steps = {"need": NeedStep, "referral": ReferralStep, "offer": OfferStep}
    assert set(TELLS) == set(STEPS) == {f"{subject}.{step}" for subject, kind in steps.items() for step in kind}


def test_the_checker_of_faults_knows_the_same_events() -> None:
    """Two lists, made apart: what the hour of faults counts by is what the tables say."""
    assert {step: event for step, event in TELLS.items() if event is not None} == STEP_EVENTS
