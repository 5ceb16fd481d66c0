"""Which buttons an offer has, and that every code of an offer has its words."""

from typing import Any

import pytest

from services.console.labels import LABELS
from services.console.offers import rules
from tests.console.told_provider import AT, own_offer
from tests.console.world import document_of


def test_an_offer_has_exactly_the_buttons_of_its_state():
    def names(*, staff: bool = False, **state: Any) -> set[str]:
        offer = own_offer(**state)
        found = rules.buttons(offer, answers=not staff, reports=True, reads_packets=not staff, staff=staff)
        return {name for name in rules.Buttons.__annotations__ if getattr(found, name)}

    assert names() == {"acknowledge", "answer"}
    assert names(status="acknowledged") == {"answer"}
    assert names(status="declined") == set()
    kept = {"status": "accepted"}
    assert names(**kept, referral_status="accepted") == {"packet", "start", "not_delivered"}
    assert names(**kept, referral_status="accepted", halted_since=AT) == {"packet", "not_delivered"}
    assert names(**kept, referral_status="in_service") == {"packet", "complete", "not_delivered"}
    assert names(**kept, referral_status="completed") == {"packet"}
    both = {"not_delivered", "enter_in_error"}
    assert names(**kept, referral_status="accepted", halted_since=AT, staff=True) == both | {"uphold"}
    assert names(**kept, referral_status="entered_in_error", staff=True) == set()


@pytest.mark.parametrize(
    ("service", "table", "enum"),
    [
        ("referral", "decline_effect", "DeclineReason"),
        ("registration", "deletion_reason", "DeletionReason"),
        ("registration", "deletion_answer", "DeletionAnswer"),
        ("registration", "keeping_ground", "KeepingGround"),
        ("provider_directory", "service_status", "PublicationStatus"),
        ("notifications", "endpoint_status", "EndpointStatus"),
        ("notifications", "disabled_reason", "DisabledReason"),
        ("notifications", "delivery_status", "DeliveryStatus"),
        ("notifications", "attempt_fault", "AttemptFault"),
    ],
)
def test_a_table_has_exactly_the_codes_of_the_api_document(service: str, table: str, enum: str):
    assert set(LABELS[table]) == set(document_of(service)["components"]["schemas"][enum]["enum"])


def test_every_event_and_every_field_of_a_packet_has_its_words():
    events = document_of("notifications")["components"]["schemas"]["NotifiedType"]["enum"]
    assert set(LABELS["event_type"]) == {*events, "endpoint.test.v1"}
    person = document_of("registration")["components"]["schemas"]["PacketPerson"]["properties"]
    assert set(LABELS["packet_field"]) == {*person, "safe_contact", "household_members"}
