"""Open parsing: a newer producer does not break an older consumer."""

import json
from typing import Any

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.catalogue.referral import OfferDeclined
from libs.events.codes import DeclineReason, Sex
from libs.events.messages.opening import UnreadableEventError, parse


def arrival(**changes: Any) -> dict[str, Any]:
    return {
        "sender_reference": "p-1",
        "arrived_at": "2026-11-01T10:00:00Z",
        "identity": {"given_names": "Sample", "family_names": "Person"},
        "profile": {"nationality": "GT", "identity_document": "held"} | changes,
    }


def encoded(body: object) -> bytes:
    return json.dumps(body).encode()


def test_unknown_fields_are_dropped_at_every_depth() -> None:
    body = arrival(shoe_size=43) | {"weather": {"rain": True}}
    event = parse(ReturneeArrived, encoded(body))
    assert isinstance(event, ReturneeArrived)
    assert event.profile.nationality == "GT"


def test_an_unknown_code_becomes_the_member_that_stands_for_unknown() -> None:
    event = parse(ReturneeArrived, encoded(arrival(sex="later_code")))
    assert isinstance(event, ReturneeArrived)
    assert event.profile.sex is Sex.UNKNOWN


def test_an_unknown_code_becomes_other_where_that_is_what_there_is() -> None:
    ids = ("returnee_id", "need_id", "referral_id", "offer_id", "organization_id", "provider_service_id")
    body = dict.fromkeys(ids, "0199d5d6-0000-7000-8000-000000000000")
    body |= {"case_code": "GT-SMPL-0001", "category": "health", "at": "2026-11-01T10:00:00Z", "reason": "later_reason"}
    event = parse(OfferDeclined, encoded(body))
    assert isinstance(event, OfferDeclined)
    assert event.reason is DeclineReason.OTHER


def test_an_unknown_protection_flag_is_never_dropped() -> None:
    with pytest.raises(UnreadableEventError) as caught:
        parse(ReturneeArrived, encoded(arrival(sex="later", protection_flags=["unaccompanied_child", "later_flag"])))
    assert caught.value.code == "unknown-code"
    assert "protection_flags" in caught.value.places


def test_an_error_tells_where_and_which_rule_but_not_what_was_there() -> None:
    body = arrival() | {"identity": {"given_names": "CANARY", "family_names": ["CANARY"]}}
    with pytest.raises(UnreadableEventError) as caught:
        parse(ReturneeArrived, encoded(body))
    assert caught.value.code == "schema"
    assert str(caught.value) == "schema: identity.family_names string_type"
    with pytest.raises(UnreadableEventError, match="json_invalid"):
        parse(ReturneeArrived, b'{"CANARY')
