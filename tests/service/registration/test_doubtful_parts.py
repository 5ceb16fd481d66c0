"""By event a doubtful part does not keep the person and what is urgent from being taken up: it waits for a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.chassis.errors import InvalidInput
from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.handling.batch import Incoming, understand
from libs.events.kafka import Record
from libs.events.topics import TOPICS
from tests.service.registration.conftest import RECEPTION, a_consent, a_returnee

DESK = f"{RECEPTION} restricted:read"
EMERGENCY = {"category": "shelter", "urgency": "emergency"}


async def arrive(registration: Any, *, source: str | None = None, **changes: Any) -> str:
    """Deliver an arrival as the consumer reads it from a record; the person's id."""
    body = a_returnee(**{"sender_reference": f"p-{uuid4()}"} | changes)
    source, id_ = source or f"urn:reception:{uuid4()}", str(uuid4())
    attributes = {"specversion": "1.0", "id": id_, "source": source, "type": ReturneeArrived.type}
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    value = json.dumps(body).encode()
    record: Any = Record(ReturneeArrived.topic, 0, 0, 0, 0, b"p", value, None, 1, len(value), tuple(headers))
    item = understand(record, registration.subscriptions, topic=TOPICS[ReturneeArrived.topic], keyring=None)
    assert isinstance(item, Incoming), item
    async with registration.database.transaction() as session:
        await item.handler.call(session, [item.received])
    (row,) = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
    return str(row["id"])


async def parts(registration: Any, returnee_id: str, **query: str) -> list[dict[str, Any]]:
    page = await registration.client.get(
        "/v1/doubtful-parts", params={"returnee_id": returnee_id} | query, headers=registration.headers(scopes=DESK)
    )
    assert page.status_code == 200, page.text
    return page.json()["items"]  # type: ignore[no-any-return]


async def value_of(registration: Any, part: dict[str, Any], scopes: str = DESK) -> Any:
    answer = await registration.get(f"/v1/doubtful-parts/{part['id']}", scopes=scopes)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()["value"]


async def needs(registration: Any, returnee_id: str) -> list[tuple[str, str, int]]:
    events = [one for one in await registration.events("need.reported.v1") if one["returnee_id"] == returnee_id]
    return [(event["category"], event["urgency"], event["people_count"]) for event in events]


async def test_a_consent_of_tomorrow_does_not_keep_an_emergency_waiting(registration):
    ahead = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
    person = await arrive(registration, needs=[EMERGENCY], consents=[a_consent(given_at=ahead), a_consent()])
    assert await needs(registration, person) == [("shelter", "emergency", 1)]
    (told,) = [one for one in await registration.events("consent.changed.v1") if one["returnee_id"] == person]
    assert len(told["grants"]) == 1, "the sound consent counts"
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["rule"], part["is_urgent"]) == ("/consents/0", "too-far-ahead", False)
    assert datetime.fromisoformat((await value_of(registration, part))["given_at"]) == datetime.fromisoformat(ahead)


def contact(**changes: Any) -> dict[str, Any]:
    return {"channel": "sms", "address": "+50255551234"} | changes


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"consents": [a_consent(expires_at="2020-01-01T00:00:00Z")]}, ["/consents/0"]),
        ({"consents": [a_consent(given_at="2026-03-02T19:40:00")]}, ["/consents/0"]),
        ({"consents": [a_consent(method="telepathy"), a_consent(purpose="later")]}, ["/consents/0", "/consents/1"]),
        ({"consents": [a_consent(method="voice")]}, ["/consents/0"]),
        ({"safe_contact": {"channel": "sms"}}, ["/safe_contact"]),
        ({"safe_contact": contact(hours_from=20, hours_until=8)}, ["/safe_contact"]),
        ({"household_size": 3}, ["/household_size"]),
        ({"household_reference": "family-1", "household_size": 99}, ["/household_size"]),
        ({"profile": {"nationality": "GT", "identity_document": "held", "protection_flags": ["later"]}},
         ["/profile/protection_flags/0"]),
        ({"profile": {"nationality": "GT", "identity_document": "held", "destination": "Petén"}},
         ["/profile/destination"]),
        ({"identity": {"given_names": "A", "family_names": "B", "birth_date": "2199-01-01"}},
         ["/identity/birth_date"]),
        ({"identity": {"given_names": "A", "family_names": "B", "birth_date": "17/05/1990"}},
         ["/identity/birth_date"]),
    ],
)  # fmt: skip
async def test_whatever_optional_part_is_doubtful_the_emergency_is_told(registration, changes, pointers):
    person = await arrive(registration, needs=[EMERGENCY], **changes)
    assert await needs(registration, person) == [("shelter", "emergency", 1)]
    assert [part["pointer"] for part in await parts(registration, person)] == pointers


async def test_a_doubtful_need_is_set_aside_as_urgent_and_the_sound_ones_are_told(registration):
    told = [
        EMERGENCY,
        {"category": "later_category", "urgency": "emergency"},
        {"category": "food", "people_count": 4},
        {"category": "employment", "after_category": "documents"},
        {"category": "legal", "urgency": "at once"},
        {"category": "training", "after_category": "later_category"},
    ]
    person = await arrive(registration, needs=told)
    assert await needs(registration, person) == [
        ("shelter", "emergency", 1),
        ("food", "normal", 1),
        ("employment", "normal", 1),
        ("legal", "urgent", 1),
        ("training", "normal", 1),
    ]
    found = {part["pointer"]: (part["rule"], part["is_urgent"]) for part in await parts(registration, person)}
    assert found == {
        "/needs/1": ("unknown-code", True),
        "/needs/2/people_count": ("household-required", True),
        "/needs/3/after_category": ("need-known", False),
        "/needs/4/urgency": ("unknown-code", True),
        "/needs/5/after_category": ("unknown-code", False),
    }


async def test_a_document_that_the_pack_lacks_is_set_aside_alone(registration):
    """Taken out: `held_faults` in `arrival_faults`."""
    held = {"nationality": "GT", "identity_document": "held", "documents_held": ["passport", "visa", "bank_account"]}
    person = await arrive(registration, needs=[EMERGENCY], profile=held)
    assert await needs(registration, person) == [("shelter", "emergency", 1)]
    (event,) = [one for one in await registration.events("returnee.registered.v1") if one["returnee_id"] == person]
    assert event["documents_held"] == ["passport", "bank_account"]
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["rule"]) == ("/profile/documents_held/1", "unknown-code")
    assert await value_of(registration, part) == "visa"


async def test_an_age_that_cannot_be_is_unknown_and_so_counts_as_a_childs(registration):
    names = {"given_names": "A", "family_names": "B", "birth_date": "2199-01-01"}
    person = await arrive(registration, identity=names)
    (event,) = [one for one in await registration.events("returnee.registered.v1") if one["returnee_id"] == person]
    assert event["age_band"] == "unknown"
    (part,) = await parts(registration, person)
    assert part["is_urgent"] is True


async def test_without_a_time_of_arrival_that_can_be_the_whole_arrival_is_parked(registration):
    with pytest.raises(InvalidInput):
        await arrive(registration, arrived_at="9999-12-31T23:59:59Z", needs=[EMERGENCY])


async def test_the_needs_of_who_waits_for_a_decision_on_their_household_are_kept_with_their_counts(registration):
    family = {"household_reference": "family-1", "household_size": 2}
    batch = await registration.announce(0)
    for _ in range(2):
        await registration.register(arrival_batch_id=batch["id"], **family)
    third = await registration.register(
        arrival_batch_id=batch["id"], needs=[{"category": "shelter", "people_count": 2}], **family
    )
    (part,) = await parts(registration, third["id"])
    assert (part["pointer"], part["rule"]) == ("/needs/0/people_count", "household-in-doubt")
    assert await value_of(registration, part) == 2


async def test_by_rest_there_is_somebody_to_answer_so_nothing_is_set_aside(registration):
    answer = await registration.post("/v1/returnees", a_returnee(needs=[EMERGENCY], safe_contact={"channel": "sms"}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/safe_contact/address")
    assert await registration.events() == []


async def test_a_person_closes_a_part_once_with_a_reason_and_what_it_said_is_forgotten(registration):
    person = await arrive(registration, safe_contact=contact(address="x"))
    (part,) = await parts(registration, person)
    path = f"/v1/doubtful-parts/{part['id']}/close"
    no_reason = await registration.post(path, {"closing": "discarded"})
    assert (no_reason.status_code, no_reason.json()["errors"][0]["pointer"]) == (422, "/reason")
    closed = await registration.post(path, {"closing": "mended", "reason": "asked_the_person"})
    assert (closed.status_code, closed.json()["closing"]) == (200, "mended"), closed.text
    again = await registration.post(path, {"closing": "discarded", "reason": "not_meant"})
    assert (again.status_code, again.json()["code"]) == (409, "doubtful-part-closed")
    assert await parts(registration, person) == []
    (kept,) = await parts(registration, person, open="false")
    assert await value_of(registration, kept) is None
    (row,) = await registration.fetch("SELECT value_sealed FROM doubtful_part WHERE returnee_id = $1", person)
    assert row["value_sealed"] is None


async def test_each_look_at_a_part_is_recorded_and_its_value_is_sealed(registration):
    mark = "Zzkanari"
    person = await arrive(registration, safe_contact=contact(channel="pigeon", address=mark))
    (row,) = await registration.fetch("SELECT *, p::text AS shown FROM doubtful_part p WHERE returnee_id = $1", person)
    assert mark not in row["shown"]
    assert mark.encode() not in row["value_sealed"]
    (part,) = await parts(registration, person)
    assert (await value_of(registration, part))["address"] == mark
    log = (await registration.get(f"/v1/returnees/{person}/access-log")).json()["items"]
    assert "doubtful_part.read" in [entry["action"] for entry in log]


async def test_a_need_that_was_set_aside_is_shown_to_who_may_see_restricted_ones_only(registration):
    person = await arrive(registration, needs=[{"category": "later_category"}])
    (part,) = await parts(registration, person)
    hidden = await registration.get(f"/v1/doubtful-parts/{part['id']}")
    assert hidden.status_code == 404
    listed = await registration.get(f"/v1/doubtful-parts?returnee_id={person}")
    assert listed.json()["items"] == [], "nor does it stand in the list"
    closed = await registration.post(
        f"/v1/doubtful-parts/{part['id']}/close", {"closing": "discarded", "reason": "not_meant"}
    )
    assert closed.status_code == 404
    assert (await value_of(registration, part))["category"] == "later_category"


async def test_parts_are_for_the_intake_desk_of_their_organisation(registration):
    person = await arrive(registration, safe_contact=contact(address="x"))
    (part,) = await parts(registration, person)
    path = f"/v1/doubtful-parts/{part['id']}"
    assert (await registration.get(path, scopes="returnees:read returnees:write")).status_code == 403
    await registration.fetch("UPDATE returnee SET organization_id = $1 WHERE id = $2", uuid4(), person)
    assert (await registration.get(path, organization_id=str(uuid4()))).status_code == 404


async def test_an_erasure_leaves_nothing_of_what_was_set_aside(registration):
    person = await arrive(registration, safe_contact=contact(address="x"))
    erased = await registration.post(f"/v1/returnees/{person}/erasure")
    assert erased.status_code == 200, erased.text
    assert await parts(registration, person) == []
    (row,) = await registration.fetch("SELECT * FROM doubtful_part WHERE returnee_id = $1", person)
    assert (row["value_sealed"], row["closing_reason"]) == (None, "erased")


async def test_the_urgent_parts_are_listed_first(registration):
    consents = [a_consent(method="telepathy")] * 2
    person = await arrive(registration, consents=consents, needs=[{"category": "Later"}, EMERGENCY, {}])
    found: list[str] = []
    after: dict[str, str] = {}
    for _ in range(4):
        query = {"limit": 1, "returnee_id": person} | after
        page = await registration.client.get(
            "/v1/doubtful-parts", params=query, headers=registration.headers(scopes=DESK)
        )
        found += [part["pointer"] for part in page.json()["items"]]
        after = {"after": page.json()["next"] or ""}
    assert found == ["/needs/0", "/needs/2", "/consents/0", "/consents/1"]
