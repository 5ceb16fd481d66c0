"""What is doubled, inverted or overbooked is found: each test changes one thing of a good history.

It demands the line that names it; seen to fail without the check it is for.
"""

from dataclasses import replace

import pytest

from tests.chaos.checker import judge
from tests.chaos.checks.doubled import doubled
from tests.chaos.checks.inverted import inverted
from tests.chaos.checks.overbooked import overbooked
from tests.chaos.evidence import Declaration, Hold, Logged, Need, Offer, Person, Referral
from tests.chaos.example import MADE, good, only
from tests.chaos.history import NeedAdded
from tests.chaos.receivers import Received


def test_two_returnees_for_one_arrival_are_a_double_effect() -> None:
    evidence = good()
    evidence.people.append(Person("twin", "hashed"))
    evidence.journeys["twin"] = "known"
    assert any("2 returnees for one arrival" in line for line in doubled(evidence))


def test_a_returnee_whom_nobody_told_of_is_a_double_effect() -> None:
    evidence = good()
    evidence.people.append(Person("ghost", "unheard of"))
    assert any("ghost is registered and nobody told of them" in line for line in doubled(evidence))


def test_more_needs_than_were_told_are_a_double_effect() -> None:
    evidence = good()
    evidence.told_needs.append(Need("need-3", "person", "reported"))
    assert any("person told 2 needs, 3 registered" in line for line in doubled(evidence))


def test_a_need_whose_answer_was_lost_before_the_person_was_erased_is_no_double_effect() -> None:
    """The same call came again after the erasure and was refused. A need that was sent only once is not there."""
    evidence = good()
    evidence.told_needs.append(Need("need-3", "person", "reported"))
    evidence.history.needs.append(NeedAdded("person", "key-3", refused="returnee-erased", calls=2))
    assert not [line for line in doubled(evidence) if "registered" in line]
    for refused, calls in (("returnee-erased", 1), ("another-code", 2)):
        evidence.history.needs[-1] = NeedAdded("person", "key-3", refused=refused, calls=calls)
        assert any("person told 2 needs, 3 registered" in line for line in doubled(evidence))


def test_a_need_that_registration_does_not_have_is_a_double_effect() -> None:
    evidence = good()
    evidence.needs.append(Need("need-3", "person", "open"))
    only(doubled(evidence), "need need-3 is in referral and registration does not have it")


def test_two_live_offers_of_a_referral_are_a_double_effect() -> None:
    evidence = good()
    evidence.offers += [Offer(f"offer-{number}", "referral-1", "need-1", "pending") for number in (2, 3)]
    only(doubled(evidence), "2 live offers of referral referral-1")


def test_two_accepted_offers_of_a_referral_are_a_double_effect() -> None:
    evidence = good()
    evidence.offers.append(Offer("offer-2", "referral-1", "need-1", "accepted"))
    only(doubled(evidence), "2 accepted offers of referral referral-1")


def test_two_live_referrals_of_a_need_are_a_double_effect() -> None:
    evidence = good()
    evidence.referrals.append(Referral("referral-3", "need-1", is_live=True))
    only(doubled(evidence), "2 live referrals of need need-1")


def test_a_second_event_for_one_fact_is_a_double_effect() -> None:
    evidence = good()
    evidence.outboxes["referral"].append(replace(evidence.outboxes["referral"][2], row_id=9, event_id="again"))
    only(doubled(evidence), "referral has 1 offer.made.v1 of offer too many")


def test_an_event_with_two_rows_is_a_double_effect() -> None:
    evidence = good()
    evidence.outboxes["registration"].append(replace(evidence.outboxes["registration"][0], row_id=9))
    assert any("2 rows of event registration-1" in line for line in doubled(evidence))


def test_an_event_on_the_log_that_no_service_sent_is_a_double_effect() -> None:
    evidence = good()
    evidence.logs["enlace.referral"].append(Logged(3, 99, "person", "ghost", "urn:referral", MADE))
    only(doubled(evidence), "offer.made.v1 ghost is on enlace.referral and nobody has sent it")


def test_two_deliveries_of_one_message_to_one_endpoint_are_a_double_effect() -> None:
    evidence = good()
    evidence.deliveries.append(replace(evidence.deliveries[0], delivery_id="again", status="pending"))
    only(doubled(evidence), "2 deliveries of")


def test_a_notification_of_nothing_is_a_double_effect() -> None:
    evidence = good()
    evidence.notices["ghost"] = "org"
    only(doubled(evidence), "notification ghost tells of nothing that happened")


def test_a_webhook_that_no_delivery_knows_is_a_double_effect() -> None:
    evidence = good()
    evidence.received.append(Received("casa", "ghost", MADE, 204))
    only(doubled(evidence), "casa has received ghost and no delivery is known")


def test_a_pool_that_counts_other_places_than_its_offers_hold_is_a_double_effect() -> None:
    evidence = good()
    evidence.pools[0] = replace(evidence.pools[0], held=1)
    only(doubled(evidence), "pool pool counts (1, 1) held and taken, offers have (0, 1)")


def test_a_broken_promise_about_places_is_a_double_effect() -> None:
    evidence = good()
    evidence.promises["no_hold_leaks"] = 2
    only(doubled(evidence), "2 rows break the promise no_hold_leaks")


def test_a_repetition_on_the_wire_is_counted_and_nothing_else() -> None:
    evidence = good()
    again = evidence.logs["enlace.referral"][0]
    evidence.logs["enlace.referral"].append(replace(again, offset=99))
    verdict = judge(evidence)
    assert verdict.duplicates_on_the_wire == 1
    assert verdict.is_good


def test_a_webhook_that_came_again_is_counted_and_nothing_else() -> None:
    evidence = good()
    evidence.received.append(evidence.received[0])
    verdict = judge(evidence)
    assert verdict.webhooks_repeated == 1
    assert verdict.is_good


def test_two_events_of_a_key_in_the_wrong_order_on_the_log_are_an_inversion() -> None:
    evidence = good()
    log = evidence.logs["enlace.referral"]
    log[0], log[1] = log[1], log[0]
    only(inverted(evidence), "referral.opened.v1 referral-1 came after a later event of person on enlace.referral")


def test_an_event_that_came_too_early_is_an_inversion_also_if_it_came_again_in_time() -> None:
    evidence = good()
    log = evidence.logs["enlace.referral"]
    log.insert(0, replace(log[-1], offset=-1))
    assert inverted(evidence)


def test_a_key_on_two_partitions_is_an_inversion() -> None:
    evidence = good()
    log = evidence.logs["enlace.registration"]
    log[-1] = replace(log[-1], partition=4)
    only(inverted(evidence), "key person is on partitions 3 and 4 of enlace.registration")


def test_an_answer_that_is_told_before_its_offer_is_an_inversion() -> None:
    evidence = good()
    sent = evidence.outboxes["referral"]
    sent[2], sent[3] = replace(sent[3], row_id=3), replace(sent[2], row_id=4)
    assert any("referral told offer.accepted.v1 of offer before offer.made.v1" in line for line in inverted(evidence))


def test_a_hold_above_the_maximum_is_overbooked() -> None:
    evidence = good()
    evidence.holds.append(Hold("offer-2", "pool", 2, "held", "noon", held_freed_count=1, released_freed_count=None))
    only(overbooked(evidence), "3 of 2 places of pool are in use")


def test_places_that_came_free_before_may_be_held_again() -> None:
    evidence = good()
    evidence.holds = [
        Hold("offer", "pool", 2, "released", "noon", held_freed_count=1, released_freed_count=2),
        Hold("offer-2", "pool", 2, "held", "noon", held_freed_count=2, released_freed_count=None),
    ]
    assert overbooked(evidence) == []


def test_places_that_came_free_only_afterwards_were_overbooked() -> None:
    evidence = good()
    evidence.holds = [
        Hold("offer", "pool", 2, "released", "noon", held_freed_count=1, released_freed_count=3),
        Hold("offer-2", "pool", 2, "held", "noon", held_freed_count=2, released_freed_count=None),
    ]
    only(overbooked(evidence), "4 of 2 places")


def test_a_maximum_that_was_lowered_counts_for_later_holds_only() -> None:
    evidence = good()
    evidence.declarations.append(Declaration("service", 2, "later", {"pool": 1}))
    evidence.holds = [
        Hold("offer", "pool", 2, "taken", "noon", held_freed_count=1, released_freed_count=None),
        Hold("offer-2", "pool", 1, "held", "later", held_freed_count=2, released_freed_count=None),
    ]
    only(overbooked(evidence), "3 of 1 places")


def test_a_hold_under_a_declaration_that_nobody_made_is_overbooked() -> None:
    evidence = good()
    evidence.holds[0] = replace(evidence.holds[0], declared_as_of=None)
    only(overbooked(evidence), "under no known declaration")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda evidence: evidence.promises.update(every_open_need_is_attended=1), "unattended_needs"),
        (lambda evidence: evidence.parked.update(referral=1), "parked"),
        (lambda evidence: evidence.unsettled.append("1 event in the outbox"), "unsettled"),
        (lambda evidence: evidence.history.surprises.append("POST /v1/returnees: 500"), "surprises"),
    ],
)
def test_whatever_else_must_not_be_makes_a_verdict_bad(change: object, field: str) -> None:
    evidence = good()
    change(evidence)  # type: ignore[operator]
    verdict = judge(evidence)
    assert getattr(verdict, field)
    assert not verdict.is_good
