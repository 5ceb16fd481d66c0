"""What the intake desk decides: doubtful parts and households."""

from typing import Any

import pytest

from libs.events.catalogue.arrivals import OPTIONAL_PARTS_OF_AN_ARRIVAL
from services.console.doubts.rules import field_code, value_lines
from services.console.labels import LABELS
from tests.console.told_arrivals import CODE, DOUBT, HOUSEHOLD, INTAKE_DESK, KEY, OTHER, PERSON, clerk, page
from tests.console.world import Browser, World, document_of

ENUMS = {
    "sex": "Sex",
    "age_group": "AgeGroup",
    "age_basis": "AgeBasis",
    "age_band": "AgeBand",
    "identity_document": "IdentityDocumentStatus",
    "client_kind": "ClientKind",
    "access_need": "AccessNeed",
    "protection_flag": "ProtectionFlag",
    "return_kind": "ReturnKind",
    "return_order": "ReturnOrder",
    "return_mode": "ReturnMode",
    "return_sign": "ReturnSign",
    "consent_purpose": "ConsentPurpose",
    "recipient_class": "RecipientClass",
    "given_by": "GivenBy",
    "consent_method": "ConsentMethod",
    "contact_channel": "ContactChannel",
    "batch_status": "BatchStatus",
    "entry_status": "EntryStatus",
    "transport_mode": "TransportMode",
    "told_need_status": "NeedStatus",
    "second_need_reason": "SecondNeedReason",
    "doubt_closing": "Closing",
    "doubt_closing_reason": "ClosingReason",
    "claim_reason": "ClaimReason",
    "claim_decision": "ClaimDecision",
    "urgency": "Urgency",
}


def _part(**more: Any) -> dict[str, Any]:
    return {
        "id": DOUBT,
        "returnee_id": PERSON,
        "case_code": CODE,
        "pointer": "/needs/0/kind",
        "rule": "unknown-kind",
        "is_urgent": True,
        "set_aside_at": "2026-03-02T14:00:00Z",
        "closing": None,
        "closing_reason": None,
        "closed_at": None,
        **more,
    }


def _claim(**more: Any) -> dict[str, Any]:
    return {
        "id": HOUSEHOLD,
        "household_id": HOUSEHOLD,
        "returnee_id": PERSON,
        "case_code": CODE,
        "reason": "size_exceeded",
        "told_size": 2,
        "household_told_size": 2,
        "member_ids": [OTHER, DOUBT],
        "claimed_at": "2026-03-02T14:00:00Z",
        "decision": None,
        "decided_at": None,
        **more,
    }


def _tell(world: World) -> None:
    world.services.tell("registration", "/v1/doubtful-parts", page(_part()))
    world.services.tell("registration", "/v1/household-claims", page(_claim(), after="more"))
    world.services.tell("registration", f"/v1/doubtful-parts/{DOUBT}", {**_part(), "value": {"given": ["a_b", None]}})


def _desk(world: World) -> Browser:
    return world.client(*INTAKE_DESK, reception_places=("GT",))


async def test_what_waits_is_shown_in_words_without_its_value(world: World):
    _tell(world)
    shown = await _desk(world).get("/reception/doubts")
    assert shown.status_code == 200
    for words in (
        CODE,
        "kind of a need",
        "urgent",
        "Choose another entry",
        "more people than it said",
        "They belong together",
    ):
        assert words in shown.text
    assert "/needs/0/kind" not in shown.text
    assert "a_b" not in shown.text
    assert "claims_after=more" in shown.text
    assert all(one.query["open"] == ["true"] for one in world.services.asked)


async def test_the_desks_pages_do_not_exist_for_a_clerk(world: World):
    _tell(world)
    browser = clerk(world)
    for path in ("", f"/{DOUBT}"):
        assert (await browser.get(f"/reception/doubts{path}")).status_code == 404
    for path in (f"{DOUBT}/close", f"households/{HOUSEHOLD}"):
        assert (await browser.post(f"/reception/doubts/{path}")).status_code == 404
    assert world.services.asked == []
    assert "/reception/doubts" not in (await browser.get("/reception/search")).text
    assert "/reception/doubts" in (await _desk(world).get("/reception/search")).text


async def test_a_part_is_looked_at_and_closed_with_a_reason(world: World):
    _tell(world)
    browser = _desk(world)
    shown = await browser.get(f"/reception/doubts/{DOUBT}")
    assert "a_b" in shown.text
    assert "It is recorded that you have looked at this." in shown.text
    path = f"/v1/doubtful-parts/{DOUBT}/close"
    world.services.tell("registration", path, _part(), method="POST")
    answer = await browser.post(
        f"/reception/doubts/{DOUBT}/close", form_key=KEY, closing="discarded", reason="not_meant"
    )
    assert answer.headers["location"] == "/reception/doubts"
    (sent,) = world.services.sent("POST", path)
    assert sent.body == {"closing": "discarded", "reason": "not_meant"}
    assert sent.headers["idempotency-key"] == KEY
    world.services.refuse("registration", path, "doubtful-part-closed")
    refused = await browser.post(f"/reception/doubts/{DOUBT}/close", closing="mended", reason="told_again")
    assert refused.status_code == 409
    assert "Somebody has closed this already." in refused.text
    assert '<option value="mended" selected>' in refused.text


async def test_a_household_is_decided_and_a_refusal_is_shown_at_it(world: World):
    _tell(world)
    browser = _desk(world)
    path = f"/v1/household-claims/{HOUSEHOLD}/decide"
    world.services.tell("registration", path, _claim(decision="separate"), method="POST")
    answer = await browser.post(f"/reception/doubts/households/{HOUSEHOLD}", form_key=KEY, decision="separate")
    assert answer.headers["location"] == "/reception/doubts"
    (sent,) = world.services.sent("POST", path)
    assert (sent.body, sent.headers["idempotency-key"]) == ({"decision": "separate"}, KEY)
    world.services.refuse("registration", path, "household-full")
    refused = await browser.post(f"/reception/doubts/households/{HOUSEHOLD}", decision="keep_together")
    assert refused.status_code == 409
    assert "A household has at most 30 people" in refused.text


async def test_a_namesake_is_confirmed_at_the_household_that_was_warned_of(world: World):
    _tell(world)
    browser, path = _desk(world), f"/v1/household-claims/{HOUSEHOLD}/decide"
    assert "namesakes_confirmed" not in (await browser.get("/reception/doubts")).text
    world.services.refuse("registration", path, "may-be-excluded")
    warned = await browser.post(f"/reception/doubts/households/{HOUSEHOLD}", decision="keep_together")
    assert warned.text.count('name="namesakes_confirmed"') == 1
    world.services.tell("registration", path, _claim(decision="keep_together"), method="POST")
    sent = {"decision": "keep_together", "namesakes_confirmed": "yes"}
    assert (await browser.post(f"/reception/doubts/households/{HOUSEHOLD}", **sent)).status_code == 303
    assert world.services.sent("POST", path)[-1].body == {"decision": "keep_together", "namesakes_confirmed": True}


async def test_without_registration_both_lists_say_so(world: World):
    world.services.away.add("registration")
    shown = await _desk(world).get("/reception/doubts")
    assert shown.status_code == 200
    assert shown.text.count("does not answer now") == 2


@pytest.mark.parametrize("table", list(ENUMS))
def test_every_code_of_registration_has_words(table: str):
    assert set(LABELS[table]) == set(document_of("registration")["components"]["schemas"][ENUMS[table]]["enum"])


def test_every_part_of_an_arrival_that_can_be_set_aside_has_words():
    for part in OPTIONAL_PARTS_OF_AN_ARRIVAL:
        pointer = part.path if isinstance(part.path, str) else "/" + "/".join(map(str, part.path))
        assert field_code(pointer.replace("*", "0")) in LABELS["doubt_field"], pointer


def test_a_value_is_shown_in_lines():
    value = {"detail_values": [{"value": "x"}, 3], "kind": None}
    assert value_lines(value) == [("detail values value", "x"), ("detail values", "3"), ("kind", "–")]
    assert value_lines("text") == [("", "text")]
