"""The demo counts what became of needs as its tables say."""

from collections.abc import Mapping
from typing import Any

from deploy.demo.looking import is_settled, nested
from deploy.demo.outcomes import (
    by_kind,
    by_stage,
    declined_as_full,
    households_by_services,
    offers_by_fit,
    offers_by_status,
    rerouted,
    three_to_show,
)


def offer(status: str, reason: str | None = None) -> dict[str, Any]:
    return {"id": f"{status}-{reason}", "status": status, "reason": reason}


def journey(returnee_id: str, category: str, *referrals: tuple[str, list[dict[str, Any]]], status: str = "open",
            owner: str | None = None) -> Mapping[str, Any]:  # fmt: skip
    found = [{"status": state, "offers": offers} for state, offers in referrals]
    stage = {"shelter": 2, "documents": 4, "employment": 6, "transport": 5}.get(category, 1)
    need = {"category": category, "stage": stage, "kind": None, "status": status, "owner": owner, "referrals": found}
    return {"returnee_id": returnee_id, "case_code": returnee_id.upper(), "needs": [need]}


PLACED = journey("anna", "shelter", ("accepted", [offer("accepted")]))
AFTER_FULL = journey("ben", "shelter", ("in_service", [offer("declined", "full"), offer("accepted")]))
QUEUED = journey("carl", "shelter", ("waitlisted", [offer("declined", "full"), offer("expired")]))
OWNED = journey("dora", "documents", ("seeking", []), owner="renap-documents-desk")
BLOCKED = journey("eli", "employment", ("blocked", []))
MET = journey("fay", "documents", ("completed", [offer("accepted")]), status="met", owner="renap-documents-desk")
SHOWN = ["shelter", "documents"]
ALL = [PLACED, AFTER_FULL, QUEUED, OWNED, BLOCKED, MET]


def test_needs_are_counted_by_what_became_of_them() -> None:
    counts = by_kind(ALL)
    assert list(counts) == [("documents", ""), ("employment", ""), ("shelter", "")]
    shelter, documents = counts["shelter", ""], counts["documents", ""]
    assert (shelter.needs, shelter.offered, shelter.accepted, shelter.waitlisted, shelter.owned) == (3, 3, 2, 1, 0)
    assert (documents.needs, documents.offered, documents.accepted, documents.owned) == (2, 1, 1, 1)
    assert counts["employment", ""].waiting == 1
    assert (shelter + documents).needs == 5


def test_offers_are_counted_by_their_end_and_declines_by_their_reason() -> None:
    assert offers_by_status(ALL) == {"accepted": 3, "declined: full": 2, "expired": 1}
    assert rerouted(ALL) == 1


def test_whose_offer_was_declined_as_full_is_found_the_placed_ones_first() -> None:
    assert declined_as_full([QUEUED, AFTER_FULL, PLACED]) == ["ben", "carl"]


def test_offers_for_a_kind_are_counted_by_whether_the_service_gives_it() -> None:
    def for_kind(kind: str | None, service: str) -> Mapping[str, Any]:
        offered = offer("accepted") | {"provider_service_id": service, "kind": kind}
        return journey("anna", "documents", ("accepted", [offered]))

    found = [for_kind("prosthesis", "icrc"), for_kind("prosthesis", "clinic"), for_kind("card", "icrc")]
    assert offers_by_fit(found, {"icrc": {"prosthesis"}}) == {True: 1, False: 2}
    assert offers_by_fit([for_kind(None, "clinic")], {}) == {}


def test_needs_are_counted_by_stage() -> None:
    counts = by_stage(ALL)
    assert {stage: row.needs for stage, row in counts.items()} == {2: 3, 4: 2, 6: 1}
    assert counts[2] == by_kind(ALL)["shelter", ""]


def test_households_are_counted_by_the_services_to_which_their_members_go() -> None:
    def at(returnee_id: str, service: str, status: str = "accepted") -> Mapping[str, Any]:
        return journey(returnee_id, "transport", ("accepted", [offer(status) | {"provider_service_id": service}]))

    one, two, three = {"a", "b", "c"}, {"d", "e"}, {"f", "g"}
    found = [at("a", "bus"), at("b", "bus"), at("c", "coach", "declined"), at("d", "bus"), at("e", "coach"),
             at("f", "bus"), at("x", "coach")]  # fmt: skip
    assert households_by_services(found, [one, two, three], {"transport"}) == {1: 1, 2: 1}
    assert households_by_services(found, [one, two, three], {"food"}) == {}


def test_three_different_people_are_shown() -> None:
    shown = [one["returnee_id"] for one, _, _ in three_to_show(ALL, SHOWN)]
    assert shown == ["anna", "ben", "fay"]
    assert [one["returnee_id"] for one, _, _ in three_to_show([PLACED, QUEUED], SHOWN)] == ["anna"]


def test_all_is_settled_once_every_need_is_known_and_none_is_offered_or_seeks_without_an_owner() -> None:
    calm = [PLACED, AFTER_FULL, QUEUED, OWNED, BLOCKED, MET]
    assert is_settled(calm, needs_count=6)
    assert not is_settled(calm, needs_count=7)
    assert not is_settled([*calm, journey("hal", "food", ("seeking", []))], needs_count=7)
    assert not is_settled([*calm, journey("gil", "food", ("offered", [offer("pending")]))], needs_count=7)


def test_a_journey_is_nested_from_the_flat_lists_of_the_api() -> None:
    flat = {
        "returnee_id": "r", "case_code": "K", "trace_id": "t", "steps": [],
        "needs": [{"id": "n1", "category": "food"}, {"id": "n2", "category": "legal"}],
        "referrals": [{"id": "f1", "need_id": "n1"}, {"id": "f2", "need_id": "n1"}],
        "offers": [{"id": "o1", "referral_id": "f2"}],
    }  # fmt: skip
    food, legal = nested(flat)["needs"]
    assert [referral["offers"] for referral in food["referrals"]] == [[], [{"id": "o1", "referral_id": "f2"}]]
    assert legal["referrals"] == []
