"""Events carry ids, codes and coarse areas: no field of the catalogue can say who a person is (DESIGN 3, 6)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, StringConstraints, create_model

from libs.events.catalogue import CATALOGUE
from libs.events.catalogue.arrivals import TOPIC as ARRIVALS
from libs.events.catalogue.directory import Eligibility, ProviderServicePublished
from libs.events.codes import Count, DeclineReason, DeskCode, PlaceCode
from libs.events.contracts.schemas import event_schema, inlined
from libs.events.event import Event
from libs.events.topics import TOPICS
from tests.contract.events.personal import personal_fields

IDENTITY = {
    "arrival-batch.announced.v1": {
        "sender_reference",
        "carrier",
        "origin",
        "entries[].sender_reference",
        "entries[].given_names",
        "entries[].family_names",
        "entries[].birth_date",
    },
    "arrival-batch.landed.v1": {"sender_reference"},
    "returnee.arrived.v1": {
        "sender_reference",
        "batch_reference",
        "manifest_reference",
        "household_reference",
        "identity.given_names",
        "identity.family_names",
        "identity.birth_date",
        "identity.document_number",
        "needs[].sender_reference",
        "consents[].data_described",
        "consents[].staff_reference",
        "consents[].witness_reference",
        "named_consents[].data_described",
        "named_consents[].staff_reference",
        "named_consents[].witness_reference",
        "named_consents[].recipient_name",
        "safe_contact",
        "safe_contact.address",
        "safe_contact.address_owner",
        "safe_contact.code_word",
        "safe_contact.may_name_organization",
        "safe_contact.may_leave_message",
    },
}
"""What the inbound arrivals, the one contract that may carry identity data, do carry; no more, no less."""
OURS = {name: model for name, model in CATALOGUE.items() if name[0] != ARRIVALS}


def faults_of(model: type[Event]) -> dict[str, str]:
    return personal_fields(inlined(event_schema(model, TOPICS[model.topic])))


@pytest.mark.parametrize(("topic", "type_"), sorted(OURS))
def test_no_field_of_an_event_of_ours_can_hold_personal_data(topic: str, type_: str) -> None:
    assert faults_of(OURS[topic, type_]) == {}


@pytest.mark.parametrize("type_", sorted(type_ for topic, type_ in CATALOGUE if topic == ARRIVALS))
def test_arrivals_carry_the_identity_data_that_is_listed_and_none_besides(type_: str) -> None:
    """Whoever adds a field here has to name it: this list, retention and sealing are looked at together."""
    assert set(faults_of(CATALOGUE[ARRIVALS, type_])) == IDENTITY[type_]


def test_only_the_topic_of_arrivals_may_carry_identity_data() -> None:
    assert [name for name, topic in TOPICS.items() if topic.personal] == [ARRIVALS]


class Inner(BaseModel):
    """A part that should not be."""

    family_names: str


_NAMES = """
    name given_names familyName phone phone_number mobile email e_mail birth_date born_on date_of_birth address
    street home_address document_number passport note notes text comment comments remark description free_text
    latitude gps photo signature contact message title dpi diagnosis
"""
PLANTED_NAMES = _NAMES.split()
PLANTED_TYPES: dict[str, Any] = {
    "text": str,
    "text or null": str | None,
    "a list of texts": list[str],
    "a text with a length only": Annotated[str, StringConstraints(max_length=20)],
    "a pattern without ends": Annotated[str, StringConstraints(pattern="[a-z]{3}")],
    "a pattern for a telephone": Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{8,15}$")],
    "a pattern for a name": Annotated[str, StringConstraints(pattern=r"^[A-Za-zÀ-ÿ ]{1,40}$")],
    "a pattern for an identity number": Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$")],
    "a pattern for a day": Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")],
    "a pattern for a mail address": Annotated[str, StringConstraints(pattern=r"^[^@ ]{1,60}@[^@ ]{1,60}$")],
    "a pattern without an end": Annotated[str, StringConstraints(pattern=r"^[a-z]+$")],
    "a pattern that is open upwards": Annotated[str, StringConstraints(pattern=r"^[a-z]{3,}$")],
    "a number without bounds": int,
    "a fraction": float,
    "anything": Any,
    "a mapping": dict[str, str],
    "bytes": bytes,
    "a part with a name in it": Inner,
    "a list of parts with a name in it": list[Inner],
    "a part or null": Inner | None,
}
HARMLESS_TYPES: dict[str, Any] = {
    "a code": DeclineReason,
    "a place": PlaceCode | None,
    "a desk": list[DeskCode],
    "a count": Count,
    "a day": date,
    "yes or no": bool,
    "one of two words": Literal["one", "two"],
}


def with_field(name: str, kind: Any) -> type[Event]:
    """The routing view of a service with one field more, and its eligibility too: two levels."""
    eligibility = create_model("Eligibility", __base__=Eligibility, **{name: (kind, Field())})
    return create_model(
        "ProviderServicePublished",
        __base__=ProviderServicePublished,
        eligibility=(eligibility, ...),
        **{name: (kind, Field())},
    )


@pytest.mark.parametrize("name", PLANTED_NAMES)
def test_a_planted_field_is_found_by_its_name(name: str) -> None:
    assert {name, f"eligibility.{name}"} <= set(faults_of(with_field(name, PlaceCode)))


@pytest.mark.parametrize("kind", PLANTED_TYPES.values(), ids=PLANTED_TYPES)
def test_a_planted_field_is_found_by_its_type(kind: Any) -> None:
    found = {place.split("[]")[0] for place in faults_of(with_field("extra", kind))}
    assert any(place.startswith("extra") for place in found)
    assert any(place.startswith("eligibility.extra") for place in found)


@pytest.mark.parametrize("kind", HARMLESS_TYPES.values(), ids=HARMLESS_TYPES)
def test_a_field_that_says_nothing_of_a_person_passes(kind: Any) -> None:
    assert faults_of(with_field("extra", kind)) == {}
