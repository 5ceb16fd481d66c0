"""Quick intake: five answers start everything, the rest may follow."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from libs.chassis.telemetry import flush_telemetry
from tests.service.registration.conftest import a_consent, a_returnee


async def test_five_answers_register_a_person_under_a_case_code(registration):
    view = await registration.register()
    assert view["case_code"].startswith("GT-")
    assert view["profile"]["age_band"] == "unknown"
    (event,) = await registration.events("returnee.registered.v1")
    assert (event["returnee_id"], event["case_code"], event["version"]) == (view["id"], view["case_code"], 1)
    assert event["protection_flags"] == []


async def test_the_age_band_is_reckoned_on_our_clocks_day_at_the_place_of_reception(registration):
    today = registration.pack.reception.day_of(datetime.now(UTC))
    grown_up = date(today.year - 18, today.month, min(today.day, 28))
    view = await registration.register(
        identity={"given_names": "Muestra", "family_names": "Dieciocho", "birth_date": grown_up.isoformat()}
    )
    assert view["profile"]["age_band"] == "18_24"
    in_days = (grown_up + timedelta(days=5)).isoformat()
    view = await registration.register(
        identity={"given_names": "Muestra", "family_names": "Diecisiete", "birth_date": in_days}
    )
    assert view["profile"]["age_band"] == "12_17"


async def test_everything_told_at_once_is_registered_at_once_in_the_order_of_the_journey(registration):
    view = await registration.register(
        needs=[
            {"category": "employment", "after_category": "documents"},
            {"category": "documents", "urgency": "urgent"},
            {"category": "shelter"},
        ],
        consents=[a_consent()],
        safe_contact={"channel": "sms", "address": "+502 5123 4561"},
    )
    events = await registration.events()
    assert [event["type"] for event in events] == [
        "returnee.registered.v1",
        "consent.changed.v1",
        "safe-contact.changed.v1",
        "need.reported.v1",
        "need.reported.v1",
        "need.reported.v1",
    ]
    assert {event["returnee_id"] for event in events} == {view["id"]}
    needs = {event["category"]: event for event in events if event["type"] == "need.reported.v1"}
    assert needs["employment"]["after_need_id"] == needs["documents"]["need_id"]
    assert [event["category"] for event in events[3:]].index("documents") < 2
    assert len({event["traceparent"][3:35] for event in events}) == 1


async def test_each_person_has_a_trace_of_their_own_linked_to_the_request(registration, spans_directory):
    trace, span = uuid4().hex, uuid4().hex[:16]
    headers = {"traceparent": f"00-{trace}-{span}-01"}
    people = [
        await registration.client.post("/v1/returnees", json=a_returnee(), headers=registration.headers() | headers)
        for _ in range(2)
    ]
    traces = {event["returnee_id"]: event["traceparent"][3:35] for event in await registration.events()}
    assert len({trace, *(traces[person.json()["id"]] for person in people)}) == 3
    flush_telemetry()
    spans = [json.loads(line) for path in spans_directory.iterdir() for line in path.read_text().splitlines()]
    for own in traces.values():
        (start,) = [found for found in spans if found["trace_id"] == own and found["name"] == "registration.register"]
        assert trace in json.dumps(start["links"])


async def test_the_same_reference_of_the_same_client_is_registered_once(registration):
    reference = f"desk/{uuid4()}"
    first = await registration.register(sender_reference=reference)
    again = await registration.register(sender_reference=reference)
    assert again["id"] == first["id"]
    other = await registration.post("/v1/returnees", a_returnee(sender_reference=reference), client_id="another-desk")
    assert other.json()["id"] != first["id"]
    assert len(await registration.events("returnee.registered.v1")) == 2


async def test_twins_of_a_request_register_one_person(registration):
    body = a_returnee(sender_reference=f"desk/{uuid4()}")
    answers = await asyncio.gather(*(registration.post("/v1/returnees", body) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await registration.events("returnee.registered.v1")) == 1


async def test_a_replayed_request_answers_like_the_first(registration):
    headers = registration.headers()
    first = await registration.client.post("/v1/returnees", json=a_returnee(), headers=headers)
    again = await registration.client.post("/v1/returnees", json=a_returnee(), headers=headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await registration.client.post("/v1/returnees", json=a_returnee(stay_together=False), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_members_of_a_household_find_each_other_by_reference(registration):
    reference = f"family/{uuid4()}"
    child = {"given_names": "Muestra", "family_names": "Menor", "birth_date": "2019-01-01"}
    first = await registration.register(identity=child, household_reference=reference, household_size=2)
    second = await registration.register(
        household_reference=reference, household_size=2, needs=[{"category": "shelter", "people_count": 2}]
    )
    assert first["household_id"] == second["household_id"]
    last = (await registration.events("household.changed.v1"))[-1]
    assert set(last["member_ids"]) == {first["id"], second["id"]}
    assert last["reference_returnee_id"] == second["id"], "who tells a need of the household speaks for it"
    (need,) = await registration.events("need.reported.v1")
    assert (need["returnee_id"], need["household_id"]) == (second["id"], second["household_id"])
    needs = (await registration.get(f"/v1/returnees/{first['id']}/needs")).json()["items"]
    assert [one["id"] for one in needs] == [need["need_id"]], "a member sees the household's need"


async def test_a_member_of_a_household_who_allows_nothing_is_heard_to_allow_nothing(registration):
    """A household's needs wait for a yes or no of each member: without the no they would wait for ever."""
    member = await registration.register(household_reference=f"family/{uuid4()}", household_size=2, consents=[])
    alone = await registration.register(consents=[])
    told = await registration.events("consent.changed.v1")
    assert [(event["returnee_id"], event["version"], event["grants"]) for event in told] == [(member["id"], 1, [])]
    assert alone["id"] not in {event["returnee_id"] for event in told}


async def test_members_who_come_at_the_same_time_make_one_household(registration):
    reference = f"family/{uuid4()}"
    answers = await asyncio.gather(
        *(registration.post("/v1/returnees", a_returnee(household_reference=reference)) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["household_id"] for answer in answers}) == 1
    events = await registration.events("household.changed.v1")
    # People who share a transaction are one change of the household.
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert len(max(events, key=lambda event: event["version"])["member_ids"]) == 5


async def test_answers_that_follow_change_the_profile_and_are_told(registration):
    view = await registration.register()
    response = await registration.client.get(f"/v1/returnees/{view['id']}", headers=registration.headers())
    answer = await registration.patch(
        f"/v1/returnees/{view['id']}",
        {"identity": {"birth_date": "1990-05-17"}, "profile": {"languages": ["mam"], "destination": "GT12"}},
        etag=response.headers["ETag"],
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["profile"]["age_band"] == "35_59"
    (changed,) = await registration.events("returnee.changed.v1")
    assert (changed["version"], changed["destination"], changed["age_band"]) == (2, "GT12", "35_59")
    late = await registration.patch(f"/v1/returnees/{view['id']}", {}, etag=response.headers["ETag"])
    assert (late.status_code, late.json()["code"]) == (412, "version-mismatch")


async def test_a_correction_of_a_name_alone_is_told_to_nobody(registration):
    view = await registration.register()
    path = f"/v1/returnees/{view['id']}"
    answer = await registration.patch(path, {"identity": {"given_names": "Muestra Dos"}}, etag='"1"')
    assert answer.status_code == 200
    assert await registration.events("returnee.changed.v1") == []
    assert (await registration.get(path)).json()["identity"]["given_names"] == "Muestra Dos"


async def test_people_are_found_by_any_word_of_their_names_and_by_number(registration):
    number = uuid4().hex
    own = "".join(chr(ord("a") + int(digit, 16)) for digit in number[:12])  # nobody else in this database has it
    identity = {
        "given_names": "Inventada María",
        "family_names": f"Muñoz{own}-Sacán{own}",
        "document_number": f"1234 5678-{number}",
    }
    view = await registration.register(identity=identity)
    await registration.register()
    for body in ({"names": f"munoz{own}"}, {"names": f"MARÍA sacan{own}"}, {"document_number": f"12345678{number}"}):
        found = (await registration.post("/v1/returnees/search", body)).json()["items"]
        assert [one["id"] for one in found] == [view["id"]], body
    nobody = await registration.post("/v1/returnees/search", {"names": f"munoz{own}", "birth_date": "1990-01-01"})
    assert nobody.json()["items"] == []
    everybody = await registration.post("/v1/returnees/search", {"birth_date": "1990-01-01"})
    assert everybody.status_code == 422


async def test_a_need_follows_and_is_withdrawn_without_a_reason(registration):
    view = await registration.register()
    path = f"/v1/returnees/{view['id']}/needs"
    need = await registration.post(path, {"category": "documents", "sender_reference": "n-1"})
    assert need.status_code == 201, need.text
    again = await registration.post(path, {"category": "documents", "sender_reference": "n-1"})
    assert again.json()["id"] == need.json()["id"]
    after = await registration.post(path, {"category": "employment", "after_category": "documents"})
    assert after.json()["after_need_id"] == need.json()["id"]
    withdrawn = await registration.post(f"{path}/{need.json()['id']}/withdraw")
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")
    again = await registration.post(f"{path}/{need.json()['id']}/withdraw")
    assert (again.status_code, again.json()["code"]) == (409, "need-already-withdrawn")
    assert len(await registration.events("need.withdrawn.v1")) == 1
    foreign = await registration.post(f"/v1/returnees/{uuid4()}/needs", {"category": "health"})
    assert foreign.status_code == 404


async def test_a_household_is_put_together_at_the_desk(registration):
    one, two, three = [await registration.register() for _ in range(3)]
    body = {"reference_returnee_id": one["id"], "member_ids": [one["id"], two["id"]], "expected_size": 2}
    household = await registration.post("/v1/households", body)
    assert household.status_code == 201, household.text
    heard = {event["returnee_id"]: event["grants"] for event in await registration.events("consent.changed.v1")}
    assert heard == {one["id"]: [], two["id"]: []}, "a household's needs wait until each member has been heard"
    path = f"/v1/households/{household.json()['id']}"
    changed = await registration.patch(path, {"member_ids": [one["id"], three["id"]]}, etag=household.headers["ETag"])
    assert set(changed.json()["member_ids"]) == {one["id"], three["id"]}
    profiles = {e["returnee_id"]: e["household_id"] for e in await registration.events("returnee.changed.v1")}
    assert profiles == {one["id"]: household.json()["id"], two["id"]: None, three["id"]: household.json()["id"]}
    other = await registration.post(
        "/v1/households",
        {"reference_returnee_id": two["id"], "member_ids": [two["id"], three["id"]], "expected_size": 2},
    )
    assert (other.status_code, other.json()["code"]) == (409, "member-of-another-household")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"arrived_at": "2026-03-02T19:40:00"}, "/arrived_at"),
        ({"arrived_at": "0001-01-01T00:00:00Z"}, "/arrived_at"),
        ({"arrived_at": "9999-12-31T23:59:59Z"}, "/arrived_at"),
        ({"consents": [a_consent(given_at="2026-03-02T19:40:00")]}, "/consents/0/given_at"),
        ({"identity": {"given_names": "A", "family_names": "B", "birth_date": "2030-01-01"}}, "/identity/birth_date"),
        ({"identity": {"given_names": "A", "family_names": "B", "birth_date": "1800-01-01"}}, "/identity/birth_date"),
        ({"needs": [{"category": "shelter", "people_count": 2}]}, "/needs/0/people_count"),
        ({"needs": [{"category": "employment", "after_category": "documents"}]}, "/needs/0/after_category"),
        ({"needs": [{"category": "food", "after_category": "food"}]}, "/needs/0/after_category"),
        ({"household_size": 3}, "/household_reference"),
        ({"safe_contact": {"channel": "sms"}}, "/safe_contact/address"),
        ({"safe_contact": {"channel": "sms", "address": "5.02E+10"}}, "/safe_contact/address"),
        ({"safe_contact": {"channel": "email", "address": "5123 4567"}}, "/safe_contact/address"),
        ({"profile": {"nationality": "Guatemala", "identity_document": "held"}}, "/profile/nationality"),
        ({"identity": {"given_names": "A"}}, "/identity/family_names"),
        ({"phone": "+502"}, "/phone"),
    ],
)
async def test_what_contradicts_itself_is_refused_with_its_field_and_nothing_is_stored(registration, changes, pointer):
    answer = await registration.post("/v1/returnees", a_returnee(**changes))
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await registration.events() == []


async def test_an_arrival_batch_that_nobody_knows_is_not_found(registration):
    answer = await registration.post("/v1/returnees", a_returnee(arrival_batch_id=str(uuid4())))
    assert answer.status_code == 404
