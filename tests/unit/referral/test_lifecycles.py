"""Each (state, step) pair of DESIGN 4, legal and illegal, against a table written out by hand."""

import pytest

from libs.chassis.errors import Refusal
from services.referral.errors import OfferExpired, OfferRecalled, StepNotAllowed
from services.referral.lifecycles import rules
from services.referral.lifecycles.rules import (
    NeedStatus,
    NeedStep,
    OfferStatus,
    OfferStep,
    ReferralStatus,
    ReferralStep,
)

NEED = """
open    meet    met
open    refuse  refused
open    close   closed
met     reopen  open
refused reopen  open
closed  reopen  open
open    assign     open
open    seek_again open
open    acknowledge open
open    tell_again  open
open    refine      open
open    remind_owner open
open    hand_over   open
open    set_prerequisite    open
open    remove_prerequisite open
"""

OFFER = """
pending      acknowledge acknowledged
pending      accept      accepted
pending      decline     declined
pending      expire      expired
pending      recall      recalled
acknowledged accept      accepted
acknowledged decline     declined
acknowledged expire      expired
acknowledged recall      recalled
pending      remind      pending
acknowledged remind      acknowledged
"""

REFERRAL = """
seeking         request_review       awaiting_review
seeking         block                blocked
seeking         waitlist             waitlisted
seeking         offer                offered
seeking         cancel               cancelled
seeking         enter_in_error       entered_in_error
awaiting_review approve              seeking
awaiting_review reject               cancelled
awaiting_review cancel               cancelled
awaiting_review enter_in_error       entered_in_error
blocked         unblock              seeking
blocked         cancel               cancelled
blocked         enter_in_error       entered_in_error
waitlisted      serve                seeking
waitlisted      cancel               cancelled
waitlisted      enter_in_error       entered_in_error
offered         seek_again           seeking
offered         accept               accepted
offered         cancel               cancelled
offered         enter_in_error       entered_in_error
accepted        start                in_service
accepted        report_not_delivered not_delivered
accepted        cancel               cancelled
accepted        enter_in_error       entered_in_error
in_service      complete             completed
in_service      report_not_delivered not_delivered
in_service      cancel               cancelled
in_service      enter_in_error       entered_in_error
completed       enter_in_error       entered_in_error
cancelled       enter_in_error       entered_in_error
not_delivered   enter_in_error       entered_in_error
seeking         widen                seeking
waitlisted      widen                waitlisted
seeking         escalate             seeking
waitlisted      escalate             waitlisted
blocked         escalate             blocked
accepted        escalate             accepted
offered         escalate             offered
awaiting_review escalate             awaiting_review
in_service      escalate             in_service
completed       escalate             completed
cancelled       escalate             cancelled
seeking         look                 seeking
waitlisted      look                 waitlisted
seeking         override             seeking
waitlisted      override             waitlisted
offered         override             offered
awaiting_review search awaiting_review
awaiting_review search_attempt awaiting_review
awaiting_review search_due awaiting_review
blocked search blocked
blocked search_attempt blocked
blocked search_due blocked
seeking search seeking
seeking search_attempt seeking
seeking search_due seeking
waitlisted search waitlisted
waitlisted search_attempt waitlisted
waitlisted search_due waitlisted
offered search offered
offered search_attempt offered
offered search_due offered
accepted search accepted
accepted search_attempt accepted
accepted search_due accepted
in_service search in_service
in_service search_attempt in_service
in_service search_due in_service
awaiting_review escalate awaiting_review
offered escalate offered
in_service      plan_exit            in_service
completed       plan_exit            completed
cancelled       plan_exit            cancelled
in_service      alarm_stay           in_service
in_service      extend_stay          in_service
in_service      run_out              in_service
accepted        remind               accepted
in_service      remind               in_service
offered         judge                offered
accepted        halt                 accepted
in_service      halt                 in_service
accepted        uphold               accepted
in_service      uphold               in_service
"""


def _table(text: str) -> dict[tuple[str, str], str]:
    rows = [line.split() for line in text.strip().splitlines()]
    return {(state, step): after for state, step, after in rows}


def _pairs(states, steps, text):
    table = _table(text)
    pairs = [(state, step) for state in states for step in steps]
    return [pytest.param(state, step, table.get((state, step)), id=f"{state}-{step}") for state, step in pairs]


@pytest.mark.parametrize(("state", "step", "after"), _pairs(NeedStatus, NeedStep, NEED))
def test_every_step_of_a_need_leads_where_the_design_says(state, step, after):
    _expect(rules.next_need, state, step, after)


@pytest.mark.parametrize(("state", "step", "after"), _pairs(ReferralStatus, ReferralStep, REFERRAL))
def test_every_step_of_a_referral_leads_where_the_design_says(state, step, after):
    _expect(rules.next_referral, state, step, after)


@pytest.mark.parametrize(("state", "step", "after"), _pairs(OfferStatus, OfferStep, OFFER))
def test_every_step_of_an_offer_leads_where_the_design_says(state, step, after):
    _expect(rules.next_offer, state, step, after)


def _expect(next_state, state, step, after):
    if after is not None:
        assert next_state(state, step) == after
        return
    with pytest.raises(Refusal) as refused:
        next_state(state, step)
    assert refused.value.status == 409


@pytest.mark.parametrize("step", [OfferStep.ACKNOWLEDGE, OfferStep.ACCEPT, OfferStep.DECLINE])
def test_a_late_answer_is_told_from_a_mistake(step):
    with pytest.raises(OfferRecalled):
        rules.next_offer(OfferStatus.RECALLED, step)
    with pytest.raises(OfferExpired):
        rules.next_offer(OfferStatus.EXPIRED, step)


def test_an_answer_to_an_answered_offer_names_state_and_step():
    with pytest.raises(StepNotAllowed) as refused:
        rules.next_offer(OfferStatus.ACCEPTED, OfferStep.DECLINE)
    assert "accepted" in str(refused.value)
    assert "decline" in str(refused.value)


def test_an_ended_referral_has_no_way_back():
    ended = set(ReferralStatus) - rules.LIVE_REFERRAL
    for state in ended:
        steps = {step for (before, step) in rules.NEXT_REFERRAL if before is state}
        assert steps <= {ReferralStep.ENTER_IN_ERROR, ReferralStep.ESCALATE, ReferralStep.PLAN_EXIT}
