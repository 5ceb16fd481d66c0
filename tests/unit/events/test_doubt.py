"""What of an arrival is set aside, and that nothing else of it is lost."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.events.catalogue.arrivals import (
    OPTIONAL_PARTS_OF_AN_ARRIVAL,
    Identity,
    Profile,
    ReturneeArrived,
    ReturnFacts,
)
from libs.events.catalogue.parts import Part
from libs.events.doubt import NotOptionalError, without_faults
from libs.events.messages.opening import UnreadableEventError, take_up

NOW = "2026-11-28T18:00:00Z"
CONSENT = {
    "purpose": "referral",
    "recipient_class": "providers",
    "data_described": "sample",
    "given_by": "self",
    "method": "voice",
    "language": "spa",
    "staff_reference": "desk-1",
    "given_at": NOW,
    "expires_at": "2099-01-01T00:00:00Z",
    "revocation_explained": True,
}
CONTACT = {"channel": "sms", "address": "+502 5555 1234", "hours_from": 8, "hours_until": 20}


def arrival(**changes: Any) -> dict[str, Any]:
    return {
        "sender_reference": "p-1",
        "arrived_at": NOW,
        "identity": {"given_names": "Muestra", "family_names": "Ejemplo", "birth_date": "1990-05-17"},
        "profile": {"nationality": "GT", "identity_document": "held", "languages": ["spa", "mam"]},
        "needs": [{"category": "food", "urgency": "emergency"}, {"category": "shelter"}],
        "consents": [CONSENT],
        "safe_contact": CONTACT,
    } | changes


def taken_up(body: Any) -> tuple[ReturneeArrived, dict[str, str]]:
    event, aside = take_up(ReturneeArrived, json.dumps(body).encode())
    assert isinstance(event, ReturneeArrived)
    return event, {one.pointer: one.rule for one in aside}


def put(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The body with another value at a place."""
    body = json.loads(json.dumps(body))
    here = body
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "pointer", "rule"),
    [
        (("batch_reference",), "a b", "/batch_reference", "string-pattern-mismatch"),
        (("manifest_reference",), 7, "/manifest_reference", "string-type"),
        (("identity", "birth_date"), "17/05/1990", "/identity/birth_date", None),
        (("identity", "document_number"), "9" * 61, "/identity/document_number", "string-too-long"),
        (("profile", "sex"), "mujer", "/profile/sex", "unknown-code"),
        (("profile", "documents_held"), ["passport", "Visa"], "/profile/documents_held/1", "string-pattern-mismatch"),
        (("profile", "languages"), ["Spanish", "mam"], "/profile/languages/0", "string-pattern-mismatch"),
        (("profile", "languages"), [], "/profile/languages", "too-short"),
        (("profile", "destination"), "Huehuetenango", "/profile/destination", "string-pattern-mismatch"),
        (("profile", "access_needs"), ["wheelchair", "later"], "/profile/access_needs/1", "unknown-code"),
        (("profile", "protection_flags"), ["fears_return", "later"], "/profile/protection_flags/1", "unknown-code"),
        (("profile", "avoid_places"), ["GT13", "home"], "/profile/avoid_places/1", "string-pattern-mismatch"),
        (("household_reference",), "", "/household_reference", "string-too-short"),
        (("household_size",), 1, "/household_size", "greater-than-equal"),
        (("stay_together",), "perhaps", "/stay_together", "bool-type"),
        (("needs", 1, "category"), "later category", "/needs/1", "string-pattern-mismatch"),
        (("needs", 1, "sender_reference"), "a b", "/needs/1/sender_reference", "string-pattern-mismatch"),
        (("needs", 1, "urgency"), "critical", "/needs/1/urgency", "unknown-code"),
        (("needs", 1, "people_count"), 0, "/needs/1/people_count", "greater-than-equal"),
        (("needs", 1, "after_category"), "F", "/needs/1/after_category", "string-pattern-mismatch"),
        (("needs",), "food", "/needs", "list-type"),
        (("consents", 0, "given_at"), "today", "/consents/0", None),
        (("consents", 0, "purpose"), "later_purpose", "/consents/0", "unknown-code"),
        (("consents",), None, "/consents", "list-type"),
        (("safe_contact", "channel"), "pigeon", "/safe_contact", "unknown-code"),
        (("safe_contact", "hours_from"), 25, "/safe_contact", "less-than-equal"),
        (("safe_contact",), "555", "/safe_contact", "model-type"),
    ],
)
def test_an_optional_part_that_breaks_a_rule_is_set_aside_and_the_rest_is_taken_up(
    path: tuple[str | int, ...], value: Any, pointer: str, rule: str | None
) -> None:
    event, aside = taken_up(put(arrival(), path, value))
    assert set(aside) == {pointer}
    assert rule in (None, aside[pointer])
    assert event.identity.given_names == "Muestra"
    if path[0] != "needs":
        assert [need.urgency for need in event.needs] == ["emergency", "normal"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sender_reference",), "a b"),
        (("arrived_at",), "today"),
        (("identity",), None),
        (("identity", "given_names"), " "),
        (("identity", "family_names"), 7),
        (("profile",), []),
        (("profile", "nationality"), "Guatemala"),
        (("profile", "identity_document"), "later_code"),
    ],
)
def test_without_one_of_the_five_answers_nobody_can_be_registered(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(UnreadableEventError):
        taken_up(put(arrival(), path, value))


@pytest.mark.parametrize("data", [b"null", b"[]", b"{}", b"0", b"", b"{", b'"x"'])
def test_what_is_no_arrival_at_all_is_not_taken_up(data: bytes) -> None:
    with pytest.raises(UnreadableEventError):
        take_up(ReturneeArrived, data)


def test_an_urgency_that_nobody_knows_counts_as_urgent() -> None:
    event, _ = taken_up(put(arrival(), ("needs", 1, "urgency"), "critical"))
    assert [need.urgency for need in event.needs] == ["emergency", "urgent"]


def test_of_a_list_that_is_too_long_the_first_are_taken_up_and_the_others_set_aside_together() -> None:
    needs = [{"category": "food", "sender_reference": f"n-{n}"} for n in range(23)]
    event, aside = taken_up(arrival(needs=needs))
    assert ([need.sender_reference for need in event.needs], aside) == (
        [f"n-{n}" for n in range(20)],
        {"/needs": "too-long"},
    )


def test_places_are_those_of_the_body_as_it_came_also_when_several_parts_are_set_aside() -> None:
    body = arrival(needs=[{"category": "x"}, {"category": "food", "people_count": 0}, {}, {"category": "shelter"}])
    event, aside = taken_up(body)
    assert [need.category for need in event.needs] == ["food", "shelter"]
    assert set(aside) == {"/needs/0", "/needs/1/people_count", "/needs/2"}


def test_a_part_is_not_set_aside_twice() -> None:
    _, aside = taken_up(arrival(needs=[{"category": "x", "urgency": "y", "people_count": -1}]))
    assert set(aside) == {"/needs/0"}


def test_nothing_is_set_aside_of_an_arrival_that_is_sound() -> None:
    event, aside = taken_up(arrival(surprise={"of": "a newer sender"}))
    assert (aside, len(event.needs), len(event.consents)) == ({}, 2, 1)


def test_faults_that_a_handler_found_are_set_aside_with_their_values() -> None:
    event, (part,) = without_faults(ReturneeArrived, arrival(), [(("consents", 0, "given_at"), "not-in-future")])
    assert (event.consents, part.pointer, part.rule) == ([], "/consents/0", "not-in-future")
    assert part.value == CONSENT
    assert "sample" not in repr(part), "a part may be personal"
    with pytest.raises(NotOptionalError):
        without_faults(ReturneeArrived, arrival(), [(("arrived_at",), "plausible-moment")])


PARTS_WITH_PARTS: dict[str, type[Part]] = {"identity": Identity, "profile": Profile, "return_facts": ReturnFacts}


def test_every_field_of_an_arrival_is_either_required_or_among_the_optional_parts() -> None:
    """A field that is added later has to be decided on: by itself it would park the whole person."""
    required = {"/sender_reference", "/arrived_at", "/identity", "/profile", "/identity/given_names"}
    required |= {"/identity/family_names", "/profile/nationality", "/profile/identity_document"}
    fields = {f"/{name}" for name in ReturneeArrived.model_fields}
    for part, model in PARTS_WITH_PARTS.items():
        fields |= {f"/{part}/{name}" for name in model.model_fields}
    assert fields - required == {one.path for one in OPTIONAL_PARTS_OF_AN_ARRIVAL if "/*" not in one.path}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
PLACES = [(name,) for name in ("needs", "consents", "safe_contact", "household_size", "batch_reference")] + [
    ("needs", 1),
    ("consents", 0),
    ("profile", "protection_flags"),
    ("profile", "languages"),
    ("identity", "birth_date"),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=4))
def test_whatever_stands_in_optional_parts_the_person_is_taken_up(changes: list[Any]) -> None:
    body = arrival()
    for path, value in sorted(changes, key=lambda change: -len(change[0])):
        body = put(body, path, value)
    event, _ = taken_up(body)
    assert event.identity.family_names == "Ejemplo"
