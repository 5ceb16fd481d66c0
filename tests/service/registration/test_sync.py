"""Operations of a device without a line: each is taken in once, by itself, with a result that says what is stored."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from services.registration.people import queries as people
from tests.service.registration.conftest import a_consent, a_returnee
from tests.service.registration.offline import Device, person


@pytest.fixture
def device(registration):
    return Device(registration)


async def test_a_whole_intake_without_a_line_is_taken_in(registration, device):
    one, other = device.person(consents=[a_consent()]), device.person()
    need = device.op("report_need", returnee_id=one["person_id"], data={"category": "food", "urgency": "urgent"})
    operations = [
        one,
        other,
        need,
        device.op("correct", returnee_id=one["person_id"], data={"profile": {"destination": "GT13"}}),
        device.op("withdraw_need", returnee_id=one["person_id"], need_id=need["id"]),
        consent := device.op("give_consent", returnee_id=other["person_id"], data=a_consent()),
        device.op("withdraw_consent", returnee_id=other["person_id"], consent_id=consent["id"]),
        device.op("set_safe_contact", returnee_id=one["person_id"], data={"channel": "none"}),
        device.op(
            "join_household",
            data={
                "reference_returnee_id": one["person_id"],
                "member_ids": [one["person_id"], other["person_id"]],
                "expected_size": 2,
            },
        ),
    ]
    results = await device.send(*operations)
    assert [result["status"] for result in results] == [201, 201, 201, 200, 200, 201, 200, 200, 201], results
    assert {result["outcome"] for result in results} == {"done"}
    assert [result["operation_id"] for result in results] == [op["id"] for op in operations]
    seen = await person(registration, results[0]["returnee_id"])
    assert seen["case_code"] == results[0]["case_code"]
    assert seen["profile"]["destination"] == "GT13"
    assert seen["household_id"] == results[8]["created_id"]
    needs = (await registration.get(f"/v1/returnees/{seen['id']}/needs")).json()["items"]
    assert [(one["id"], one["status"]) for one in needs] == [(results[2]["created_id"], "withdrawn")]
    (given,) = (await registration.get(f"/v1/returnees/{results[1]['returnee_id']}/consents")).json()
    assert given["withdrawn_at"]
    told = await registration.events("returnee.registered.v1")
    assert len(told) == 2


async def test_the_same_operations_sent_again_change_nothing_and_have_the_same_results(registration, device):
    one = device.person()
    operations = [one, device.op("report_need", returnee_id=one["person_id"], data={"category": "food"})]
    first = await device.send(*operations)
    events = await registration.events()
    again = await device.send(*operations)
    assert [result | {"replayed": False} for result in again] == first
    assert all(result["replayed"] for result in again)
    assert await registration.events() == events


async def test_the_same_operation_twice_in_one_request_is_done_once(registration, device):
    one = device.person()
    first, second = await device.send(one, one)
    assert first["returnee_id"] == second["returnee_id"]
    assert [first["replayed"], second["replayed"]] == [False, True]
    assert len(await registration.events("returnee.registered.v1")) == 1


async def test_an_operation_with_the_id_of_another_one_is_refused(device):
    one = device.person()
    await device.send(one)
    changed = one | {"data": a_returnee(arrived_at=one["data"]["arrived_at"], reception_place="GT02")}
    (result,) = await device.send(changed)
    assert (result["status"], result["problem"]["code"]) == (422, "operation-id-reused")


async def test_a_sequence_number_names_one_operation(device):
    one = device.person()
    await device.send(one)
    (result,) = await device.send(device.person() | {"sequence": one["sequence"]})
    assert (result["status"], result["problem"]["code"]) == (409, "sequence-taken")


async def test_a_bad_operation_stops_only_those_that_need_it(registration, device):
    bad = device.person(identity={"given_names": "", "family_names": "Ejemplo"})
    good = device.person()
    needing = device.op("report_need", returnee_id=bad["person_id"], data={"category": "food"})
    further = device.op("withdraw_need", returnee_id=bad["person_id"], need_id=needing["id"])
    results = await device.send(
        bad, needing, further, good, {"kind": "dance"}, 7, device.op("correct", returnee_id=str(uuid4()), data={})
    )
    assert [result["status"] for result in results] == [422, 424, 424, 201, 422, 422, 404], results
    assert results[0]["problem"]["errors"][0]["pointer"] == "/data/identity/given_names"
    assert results[1]["depends_on"] == bad["id"]
    assert results[2]["depends_on"] == bad["id"]
    assert results[5]["operation_id"] is None
    assert len(await registration.events("returnee.registered.v1")) == 1


async def test_what_the_action_refuses_names_the_field_in_the_operation(device):
    old = device.person(identity={"given_names": "Muestra", "family_names": "Ejemplo", "birth_date": "1790-01-01"})
    (result,) = await device.send(old)
    assert result["problem"]["errors"][0]["pointer"] == "/data/identity/birth_date"
    assert result["outcome"] == "refused"


async def test_a_refused_operation_is_judged_again_when_it_is_sent_again(device):
    device.claims = {"scopes": "returnees:write"}
    one = device.person()
    operations = [one, device.op("give_consent", returnee_id=one["person_id"], data=a_consent())]
    results = await device.send(*operations)
    assert [result["status"] for result in results] == [201, 403]
    assert results[1]["problem"]["code"] == "insufficient-scope"
    device.claims = {}
    results = await device.send(*operations)
    assert [result["status"] for result in results] == [201, 201]
    assert [result["replayed"] for result in results] == [True, False]


async def test_the_scope_of_each_operation_is_that_of_its_route(registration, device):
    batch = await registration.announce(1)
    (entry,) = (await registration.get(f"/v1/arrival-batches/{batch['id']}/entries")).json()["items"]
    absent = device.op("mark_absent", arrival_batch_id=batch["id"], entry_id=entry["id"])
    device.claims = {"scopes": "returnees:write consents:write"}
    (result,) = await device.send(absent)
    assert result["status"] == 403
    device.claims = {}
    (result,) = await device.send(absent)
    assert result["status"] == 200
    assert (await registration.get(f"/v1/arrival-batches/{batch['id']}")).json()["absent_count"] == 1


async def test_people_of_other_organisations_are_not_found(registration, device):
    theirs = await registration.register()
    device.claims = {"organization_id": str(uuid4()), "client_id": "another", "reception_places": [], "staff": False}
    results = await device.send(
        device.op("correct", returnee_id=theirs["id"], data={"profile": {"destination": "GT13"}}),
        device.op("set_safe_contact", returnee_id=theirs["id"], data={"channel": "none"}),
        device.op("report_need", returnee_id=theirs["id"], data={"category": "food"}),
        device.op("give_consent", returnee_id=theirs["id"], data=a_consent()),
        device.op(
            "join_household",
            data={"reference_returnee_id": theirs["id"], "member_ids": [theirs["id"]], "expected_size": 1},
        ),
    )
    assert [result["status"] for result in results] == [404, 404, 404, 404, 422], results
    assert (await person(registration, theirs["id"]))["profile"]["destination"] is None


async def test_operations_that_lose_their_condition_still_reach_nobody_foreign(registration, device, monkeypatch):
    """With both walls down at once the person of the other organisation is corrected."""
    monkeypatch.setattr(people, "visible_to", lambda _: people.true())
    theirs = await registration.register()
    device.claims = {"organization_id": str(uuid4()), "client_id": "another", "reception_places": [], "staff": False}
    results = await device.send(
        device.op("correct", returnee_id=theirs["id"], data={"profile": {"destination": "GT13"}}),
        device.op("set_safe_contact", returnee_id=theirs["id"], data={"channel": "none"}),
    )
    assert [result["status"] for result in results] == [404, 404]


async def test_another_organisation_with_the_same_ids_sees_no_result(registration, device):
    one = device.person()
    (mine,) = await device.send(one)
    device.claims = {"organization_id": str(uuid4()), "client_id": "another", "reception_places": [], "staff": False}
    (theirs,) = await device.send(one)
    assert theirs["status"] == 201
    assert theirs["returnee_id"] != mine["returnee_id"]
    assert not theirs["replayed"]


async def test_a_colleague_with_the_same_device_sends_again_what_was_sent_before(registration, device):
    device.claims = {"subject": "clerk-of-the-night", "client_id": "console", "staff": False}
    one = device.person()
    (first,) = await device.send(one)
    device.claims = {"subject": "clerk-of-the-morning", "client_id": "console", "staff": False}
    (again,) = await device.send(one)
    assert again["replayed"]
    assert again["returnee_id"] == first["returnee_id"]


async def test_of_an_erased_person_the_device_deletes_its_copy(registration, device):
    one = device.person()
    (first,) = await device.send(one)
    response = await registration.post(f"/v1/returnees/{first['returnee_id']}/erasure")
    assert response.status_code in (200, 201, 204), response.text
    later = device.op("correct", returnee_id=one["person_id"], data={"profile": {"destination": "GT13"}})
    results = await device.send(one, later)
    assert [(result["status"], result["delete_copy"]) for result in results] == [(410, True), (410, True)]
    assert all(result["case_code"] is None for result in results)


async def test_five_hundred_operations_fit_and_one_more_does_not(registration, device):
    registration.client.timeout = 170
    one = device.person()
    many = [device.op("withdraw_need", returnee_id=str(uuid4()), need_id=str(uuid4())) for _ in range(500)]
    response = await device.post(one, *many)
    assert response.status_code == 422
    assert response.json()["errors"][0] == {
        "pointer": "/operations",
        "rule": "too-long",
        "detail": response.json()["errors"][0]["detail"],
    }
    assert await registration.events("returnee.registered.v1") == []
    results = await device.send(one, *many[:499])
    assert [result["status"] for result in results] == [201] + [404] * 499


async def test_operations_out_of_order_are_taken_in_by_their_numbers_and_gaps_are_told(device):
    one = device.person()
    first = device.op("correct", returnee_id=one["person_id"], data={"profile": {"destination": "GT13"}})
    second = device.op("correct", returnee_id=one["person_id"], data={"profile": {"destination": "GT16"}})
    lost = device.op("correct", returnee_id=one["person_id"], data={"profile": {"sex": "male"}})
    last = device.op("correct", returnee_id=one["person_id"], data={"profile": {"languages": ["mam"]}})
    answer = (await device.post(last, second, first, one)).json()
    assert [result["status"] for result in answer["results"]] == [200, 200, 200, 201]
    assert answer["last_sequence"] == last["sequence"]
    assert answer["missing"] == [{"first": lost["sequence"], "last": lost["sequence"]}]
    seen = await person(device.registration, answer["results"][3]["returnee_id"])
    assert seen["profile"]["destination"] == "GT16"
    answer = (await device.post(lost)).json()
    assert answer["missing"] == []


@pytest.mark.parametrize("clock", [timedelta(hours=-7), timedelta(hours=9), timedelta(days=400)])
async def test_a_clock_that_is_far_off_moves_times_to_ours(registration, clock):
    device = Device(registration, clock=clock)
    when = device.now() - timedelta(hours=1)
    given = a_consent(given_at=when.isoformat(), expires_at=(when + timedelta(days=600)).isoformat())
    (result,) = await device.send(device.person(arrived_at=when.isoformat(), consents=[given]))
    assert result["status"] == 201, result
    seen = await person(registration, result["returnee_id"])
    off = Device(registration).now() - timedelta(hours=1) - type(when).fromisoformat(seen["arrived_at"])
    assert abs(off) < timedelta(minutes=3)


async def test_a_device_that_was_away_for_three_days_is_taken_in_and_one_of_two_months_is_not(registration, device):
    one = device.person()
    one["made_at"] = (device.now() - timedelta(days=3)).isoformat()
    old = device.person()
    old["made_at"] = (device.now() - timedelta(days=60)).isoformat()
    results = await device.send(one, old)
    assert [result["status"] for result in results] == [201, 422]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/made_at"
    (again,) = await device.send(one)
    assert again["replayed"]


async def test_two_requests_of_a_device_at_the_same_time_do_each_operation_once(registration, device):
    people = [device.person() for _ in range(12)]
    first, second = await asyncio.gather(device.send(*people), device.send(*people))
    assert [one["returnee_id"] for one in first] == [one["returnee_id"] for one in second]
    assert len(await registration.events("returnee.registered.v1")) == 12


async def people_of(registration, **claims):
    found, after = {}, ""
    while True:
        page = (await registration.get(f"/v1/sync/people?limit=200{after}", **claims)).json()
        found |= {one["id"]: one for one in page["items"]}
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


async def test_a_device_reads_the_people_of_its_centre_with_their_revisions(registration, device):
    mine, elsewhere, gone = [await device.register(reception_place=place) for place in ("GT01", "GT12", "GT01")]
    await device.send(device.op("correct", returnee_id=mine["person_id"], data={"profile": {"sex": "male"}}))
    await registration.post(f"/v1/returnees/{gone['returnee_id']}/erasure")
    of_centre = {"client_id": "centre", "reception_places": ["GT01"], "staff": False}
    seen = await people_of(registration, **of_centre)
    assert elsewhere["returnee_id"] not in seen
    one = seen[mine["returnee_id"]]
    assert one["revision"] > 0
    assert (one["given_names"], one["case_code"]) == ("Muestra Uno", mine["case_code"])
    tombstone = seen[gone["returnee_id"]]
    assert (tombstone["is_erased"], tombstone["given_names"], tombstone["case_code"]) == (True, None, None)
    foreign = {"organization_id": str(uuid4()), "client_id": "another", "reception_places": [], "staff": False}
    assert await people_of(registration, **foreign) == {}
    entries = (await registration.get(f"/v1/returnees/{mine['returnee_id']}/access-log")).json()["items"]
    assert "sync.read_people" in {entry["action"] for entry in entries}
