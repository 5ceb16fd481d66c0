"""Every text that a sender on `enlace.arrivals` can fill gets a mark, and so do birth dates and telephone numbers.

The fields come from the schemas in docs/contracts: a new one that nobody marks here fails the test.
`test_canary_by_kafka.py` sends marked words by a real Kafka, also in envelopes and in messages that are parked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived
from libs.events.event import Event
from tests.marks import BIRTH_DATE, MARK, PHONE, columns_that_tell, mark, tells, watching
from tests.personal_texts import marked, texts, with_free_dates
from tests.service.registration.conftest import a_consent, a_returnee, an_announcement
from tests.service.registration.test_named_consents import known_organization, naming

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "contracts" / "schemas" / "enlace.arrivals"
SENT = {MARK: mark(), BIRTH_DATE: BIRTH_DATE, PHONE: PHONE}
"""What is looked for in what was sent, and a value of this kind."""


def fields(sent: str) -> set[str]:
    """`returnee.arrived.v1 /identity/given_names`: the fields that take this value."""
    found = set()
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        if sent == BIRTH_DATE:
            schema = with_free_dates(schema)
        of_schema = texts(schema, schema.get("definitions", {}), mark=SENT[sent])
        found |= {f"{schema['x-type']} {one}" for one in of_schema}
    if sent == MARK:
        return found
    return {one for one in found if one.endswith("birth_date" if sent == BIRTH_DATE else "/safe_contact/address")}


def a_voice(body: dict[str, Any]) -> dict[str, Any]:
    """A consent by voice, with a mark in each text."""
    described = ("data_described", "staff_reference", "witness_reference")
    return body | {name: mark() for name in described} | {"method": "voice"}


def person(batch: str, seat: str, **changes: Any) -> dict[str, Any]:
    """An arrival with a mark in each text."""
    names = {"given_names": mark(), "family_names": mark(), "document_number": mark(), "birth_date": BIRTH_DATE}
    return a_returnee(
        sender_reference=mark(), batch_reference=batch, manifest_reference=seat, household_reference=mark(),
        identity=names, consents=[a_voice(a_consent())], needs=[{"category": "health", "sender_reference": mark()}],
        **changes,
    )  # fmt: skip


def arrivals(*organization_ids: UUID) -> list[tuple[type[Event], dict[str, Any]]]:
    """A flight, its landing and two people: one to write to, who names these organisations, and one to call."""
    batch, seat = mark(), mark()
    entry = {"sender_reference": seat, "given_names": mark(), "family_names": mark(), "birth_date": BIRTH_DATE}
    announced = an_announcement(sender_reference=batch, entries=[entry], carrier=mark(), origin=mark())
    landed = {name: announced[name] for name in ("sender_reference", "mode", "reception_place")}
    named = [a_voice(naming(one, recipient_name=mark())) for one in organization_ids]
    written = {"channel": "email", "address": f"{MARK}@example.org", "code_word": MARK}
    called = {"channel": "call", "address": PHONE}
    return [
        (ArrivalBatchAnnounced, announced),
        (ArrivalBatchLanded, landed | {"landed_at": announced["expected_at"], "people_count": 1}),
        (ReturneeArrived, person(batch, seat, safe_contact=written, named_consents=named)),
        (ReturneeArrived, person(batch, mark(), safe_contact=called)),
    ]


async def test_every_text_of_every_arrival_is_marked_and_the_marks_are_nowhere(registration, caplog, capfd):
    with watching(caplog, capfd) as watch:
        told = arrivals(await known_organization(registration), uuid4())
        for sent in SENT:
            held = {f"{kind.type} {one}" for kind, body in told for one in marked(body, mark=sent)}
            assert sorted(fields(sent) - held) == [], f"each field that takes {sent} holds one"
        for _ in range(2):  # a repetition says nothing new
            await registration.hear(*(kind.model_validate(body) for kind, body in told))
        (batch,) = {body["batch_reference"] for kind, body in told if kind is ReturneeArrived}
        found = await registration.post("/v1/returnees/search", {"birth_date": BIRTH_DATE, "names": MARK})
        assert found.status_code == 200, found.text
        assert tells(found.text), "the mark is where it belongs"
        assert batch not in json.dumps(await registration.events())
        arrived = await registration.events("returnee.registered.v1")
        assert len({UUID(one["returnee_id"]) for one in arrived}) == 2
        assert watch.telling() == {}
    assert await columns_that_tell(registration.url) == set()
    assert await columns_that_tell(registration.keys_url) == set()
