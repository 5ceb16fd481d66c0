"""The checker on small histories: a good one is good, and whatever is taken away, doubled or swapped is found.

Each test changes one thing of `good()` and demands the line that names it; seen to fail without the check it is for.
"""

from dataclasses import replace

import pytest

from tests.chaos.checker import judge
from tests.chaos.checks.doubled import doubled
from tests.chaos.checks.inverted import inverted
from tests.chaos.checks.lost import lost
from tests.chaos.checks.overbooked import overbooked
from tests.chaos.evidence import (
    Declaration,
    Delivery,
    Evidence,
    Hold,
    Logged,
    Need,
    Offer,
    Person,
    Pool,
    Referral,
    Sent,
)
from tests.chaos.history import Arrival, Declared, Happened, History, NeedAdded, Step
from tests.chaos.receivers import Received

MADE, ACCEPTED = "offer.made.v1", "offer.accepted.v1"
TOPICS = {
    "registration": "enlace.registration",
    "referral": "enlace.referral",
    "provider_directory": "enlace.capacity",
    "notifications": "enlace.notifications",
}


def events(service: str, *told: tuple[str, str, str]) -> list[Sent]:
    """Events of a service in the order of their rows: type, key, subject."""
    return [
        Sent(row, f"{service}-{row}", TOPICS[service], key, kind, subject, "org" if kind.startswith("offer") else None)
        for row, (kind, key, subject) in enumerate(told, start=1)
    ]


def good() -> Evidence:
    """One person with two needs; one offer that was made, acknowledged and accepted, of a pool of two places."""
    history = History(
        arrivals=[Arrival("src", "ref-1", needs_count=1, acknowledged_at=1.0)],
        needs=[NeedAdded("person", "key", need_id="need-2", acknowledged_at=2.0)],
        steps=[
            Step("offer.accept", "offer", "key", status=200, acknowledged_at=3.0),
            Step("need.withdraw", "need-2", "key", status=200, acknowledged_at=4.0),
        ],
        declared=[Declared("service", {"pool": 2}, version=1, acknowledged_at=0.5)],
        faults=[Happened("kill", "referral", 1.0, 0.0)],
    )
    outboxes = {
        "registration": events(
            "registration",
            ("returnee.registered.v1", "person", "person"),
            ("need.reported.v1", "person", "need-1"),
            ("need.reported.v1", "person", "need-2"),
            ("need.withdrawn.v1", "person", "need-2"),
        ),
        "provider_directory": events("provider_directory", ("capacity.declared.v1", "service", "service@1")),
        "referral": events(
            "referral",
            ("referral.opened.v1", "person", "referral-1"),
            ("referral.opened.v1", "person", "referral-2"),
            (MADE, "person", "offer"),
            (ACCEPTED, "person", "offer"),
            ("need.refused.v1", "person", "need-2"),
            ("referral.cancelled.v1", "person", "referral-2"),
        ),
        "notifications": events(
            "notifications", ("delivery.succeeded.v1", "end", "made"), ("delivery.succeeded.v1", "end", "accepted")
        ),
    }
    logs = {
        TOPICS[service]: [
            Logged(3, place, one.key, one.event_id, f"urn:{service}", one.type) for place, one in enumerate(sent)
        ]
        for service, sent in outboxes.items()
    }
    return Evidence(
        history=history,
        arrival_keys={("src", "ref-1"): "hashed"},
        people=[Person("person", "hashed")],
        told_needs=[Need("need-1", "person", "reported"), Need("need-2", "person", "withdrawn")],
        journeys={"person": "known"},
        needs=[Need("need-1", "person", "open"), Need("need-2", "person", "refused")],
        referrals=[Referral("referral-1", "need-1", is_live=True), Referral("referral-2", "need-2", is_live=False)],
        offers=[Offer("offer", "referral-1", "need-1", "accepted")],
        steps=[
            ("need.report", "need-1"),
            ("referral.open", "referral-1"),
            ("need.report", "need-2"),
            ("referral.open", "referral-2"),
            ("referral.offer", "referral-1"),
            ("offer.make", "offer"),
            ("offer.accept", "offer"),
            ("referral.accept", "referral-1"),
            ("need.refuse", "need-2"),
            ("referral.cancel", "referral-2"),
        ],
        promises={"every_open_need_is_attended": 0, "no_hold_leaks": 0},
        holds=[Hold("offer", "pool", 1, "taken", "noon", held_opening=1, released_opening=None)],
        pools=[Pool("pool", "service", held=0, taken=1)],
        declarations=[Declaration("service", 1, "noon", {"pool": 2})],
        ledger_versions={"service": 1},
        notices={"referral-3": "org", "referral-4": "org"},
        deliveries=[
            Delivery("made", "referral-3", "end", "casa", "succeeded"),
            Delivery("accepted", "referral-4", "end", "casa", "succeeded"),
        ],
        endpoints={"org": "end"},
        outboxes=outboxes,
        logs=logs,
        handled_types={
            "referral": frozenset({("enlace.registration", "need.reported.v1")}),
            "notifications": frozenset({("enlace.referral", MADE), ("enlace.referral", ACCEPTED)}),
        },
        inboxes={
            "referral": {("urn:registration", "registration-2"), ("urn:registration", "registration-3")},
            "notifications": {("urn:referral", "referral-3"), ("urn:referral", "referral-4")},
        },
        parked={"referral": 0},
        received=[Received("casa", "referral-3", MADE, 204), Received("casa", "referral-4", ACCEPTED, 204)],
        restarts={"referral": 1},
    )


def only(lines: list[str], text: str) -> None:
    """Exactly one line, and it names what is wrong."""
    assert len(lines) == 1, lines
    assert text in lines[0]


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
    evidence.holds.append(Hold("offer-2", "pool", 2, "held", "noon", held_opening=1, released_opening=None))
    only(overbooked(evidence), "3 of 2 places of pool are in use")


def test_places_that_came_free_before_may_be_held_again() -> None:
    evidence = good()
    evidence.holds = [
        Hold("offer", "pool", 2, "released", "noon", held_opening=1, released_opening=2),
        Hold("offer-2", "pool", 2, "held", "noon", held_opening=2, released_opening=None),
    ]
    assert overbooked(evidence) == []


def test_places_that_came_free_only_afterwards_were_overbooked() -> None:
    evidence = good()
    evidence.holds = [
        Hold("offer", "pool", 2, "released", "noon", held_opening=1, released_opening=3),
        Hold("offer-2", "pool", 2, "held", "noon", held_opening=2, released_opening=None),
    ]
    only(overbooked(evidence), "4 of 2 places")


def test_a_maximum_that_was_lowered_counts_for_later_holds_only() -> None:
    evidence = good()
    evidence.declarations.append(Declaration("service", 2, "later", {"pool": 1}))
    evidence.holds = [
        Hold("offer", "pool", 2, "taken", "noon", held_opening=1, released_opening=None),
        Hold("offer-2", "pool", 1, "held", "later", held_opening=2, released_opening=None),
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
