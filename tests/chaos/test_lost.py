"""What is lost is found: each test takes one thing out of a good history and demands the line that names it.

Seen to fail without the check it is for.
"""

from dataclasses import replace

import pytest

from tests.chaos.checker import judge
from tests.chaos.checks.lost import lost
from tests.chaos.example import good, only
from tests.chaos.history import Arrival, Step


def test_a_history_in_which_everything_happened_once_and_in_order_is_good() -> None:
    verdict = judge(good())
    assert verdict.is_good, verdict
    assert verdict.acknowledged == 5
    assert verdict.faults == {"kill referral": 1}


def test_an_acknowledged_arrival_without_a_returnee_is_lost() -> None:
    evidence = good()
    evidence.history.arrivals.append(Arrival("src", "ref-2", needs_count=1, acknowledged_at=1.0))
    evidence.arrival_keys["src", "ref-2"] = "another"
    only(lost(evidence), "arrival ref-2")


def test_an_arrival_that_nobody_acknowledged_may_be_missing() -> None:
    evidence = good()
    evidence.history.arrivals.append(Arrival("src", "ref-2", needs_count=1))
    evidence.arrival_keys["src", "ref-2"] = "another"
    assert lost(evidence) == []
    assert judge(evidence).unanswered == 1


def test_a_returnee_whom_referral_does_not_know_is_lost() -> None:
    evidence = good()
    evidence.journeys = {}
    only(lost(evidence), "referral does not know them")


def test_an_erasure_that_referral_has_not_heard_of_is_lost() -> None:
    evidence = good()
    evidence.people = [replace(evidence.people[0], is_erased=True)]
    lines = lost(evidence)
    assert any("is erased and referral does not know of it" in line for line in lines)
    assert any("returnee.erased.v1" in line for line in lines)


def test_a_need_that_referral_does_not_know_is_lost() -> None:
    evidence = good()
    evidence.needs = evidence.needs[1:]
    only(lost(evidence), "need need-1 is registered and referral does not know it")


def test_a_need_that_was_told_and_not_registered_is_lost() -> None:
    evidence = good()
    evidence.history.arrivals[0].needs_count = 2
    only(lost(evidence), "of 3 needs told by person, 2 are registered")


def test_a_need_told_again_is_not_lost_if_it_is_noted_and_told_of() -> None:
    evidence = good()
    evidence.history.arrivals[0].needs_count = 2
    evidence.repeats = [evidence.told_needs[0]]
    only(lost(evidence), "registration lacks 1 need.reported.v1 of need-1")


def test_a_need_that_was_added_and_not_registered_is_lost_also_if_another_one_is() -> None:
    evidence = good()
    evidence.history.needs[0].need_id = "need-9"
    only(lost(evidence), "need need-9 was acknowledged and is not registered")


def test_a_withdrawn_need_that_is_open_in_referral_is_lost() -> None:
    evidence = good()
    evidence.needs[1] = replace(evidence.needs[1], status="open")
    only(lost(evidence), "is withdrawn and open in referral")


def test_an_answer_that_was_acknowledged_and_is_not_recorded_is_lost() -> None:
    evidence = good()
    evidence.history.steps.append(Step("referral.start", "referral-1", "key", status=200, acknowledged_at=5.0))
    only(lost(evidence), "referral.start of referral-1")


def test_an_accepted_offer_that_is_no_longer_accepted_is_lost() -> None:
    evidence = good()
    evidence.offers[0] = replace(evidence.offers[0], status="expired")
    only(lost(evidence), "was accepted and is expired")


def test_a_declaration_that_the_ledger_has_not_heard_of_is_lost() -> None:
    evidence = good()
    evidence.ledger_versions = {}
    only(lost(evidence), "the ledger has None")


def test_a_declaration_with_other_figures_is_lost() -> None:
    evidence = good()
    evidence.history.declared[0].maxima = {"pool": 5}
    only(lost(evidence), "capacity service@1 was acknowledged and is not kept")


def test_a_fact_without_its_event_is_lost() -> None:
    evidence = good()
    del evidence.outboxes["referral"][3]
    assert any("referral lacks 1 offer.accepted.v1 of offer" in line for line in lost(evidence))


def test_an_archived_event_that_is_not_on_the_log_is_lost() -> None:
    evidence = good()
    del evidence.logs["enlace.referral"][0]
    only(lost(evidence), "referral.opened.v1 referral-1 of referral is not on enlace.referral")


def test_an_event_on_the_log_that_its_group_has_not_taken_over_is_lost() -> None:
    evidence = good()
    evidence.inboxes["referral"].pop()
    only(lost(evidence), "referral has not taken over need.reported.v1")


def test_an_offer_event_in_nobodys_inbox_is_lost() -> None:
    evidence = good()
    del evidence.notices["referral-3"]
    only(lost(evidence), "offer.made.v1 referral-3 is in nobody's inbox")


def test_an_offer_event_without_a_delivery_is_lost() -> None:
    evidence = good()
    del evidence.deliveries[0], evidence.outboxes["notifications"][0], evidence.received[0]
    assert any("offer.made.v1 referral-3 has no delivery" in line for line in lost(evidence))


@pytest.mark.parametrize("status", [500, 401])
def test_a_delivery_that_its_receiver_has_not_taken_is_lost(status: int) -> None:
    evidence = good()
    evidence.received[0] = replace(evidence.received[0], status=status)
    only(lost(evidence), "webhook referral-3 to casa is succeeded and its receiver has not taken it")
