"""Private people whom a person excludes, told without a line: as with a line, once, and no device learns of it (P8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.service.registration.conftest import Registration
from tests.service.registration.offline import Device, conflicts, person, resolve, values
from tests.service.registration.test_excluded_people import NAME, a_household, exclude
from tests.service.registration.test_told_apart import told

HOUR = timedelta(hours=1)


@pytest.fixture
def device(registration: Registration) -> Device:
    return Device(registration)


async def excluded(registration: Registration, returnee_id: str) -> list[dict[str, Any]]:
    answer = await registration.get(f"/v1/returnees/{returnee_id}/excluded-people")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


async def test_what_a_device_told_counts_as_with_a_line_and_once(registration, device):
    """Taken out: the id of the excluded person in `with_ids`; `exclude_person` in `apply`."""
    one, other = device.person(), device.person()
    body = {"name": NAME, "returnee_id": other["person_id"], "relation": "former_partner", "reason": "fear_of_harm"}
    operations = [one, other, device.op("exclude_person", returnee_id=one["person_id"], data=body)]
    first, second, result = await device.send(*operations)
    assert (result["status"], result["outcome"], result["returnee_id"]) == (201, "done", first["returnee_id"])
    (shown,) = await excluded(registration, first["returnee_id"])
    assert (shown["id"], shown["returnee_id"]) == (result["created_id"], second["returnee_id"])
    assert {name: shown[name] for name in body if name != "returnee_id"} == {
        name: body[name] for name in body if name != "returnee_id"
    }
    (begun,) = await told(registration)
    assert begun["key"] == shown["id"]
    family = a_household({"id": one["person_id"]}, {"id": other["person_id"]})
    (refused,) = await device.send(device.op("join_household", data=family))
    assert (refused["status"], refused["problem"]["code"]) == (409, "must-stay-apart")
    (again,) = await device.send(operations[2])
    assert again == result | {"replayed": True}
    assert await excluded(registration, first["returnee_id"]) == [shown]
    assert len(await told(registration)) == 1


async def test_the_rules_are_those_of_the_route_and_a_refused_one_stores_nothing(registration, device):
    """Taken out: the id of the excluded person in `names_in` (the last is refused with 422)."""
    one = device.person()
    theirs = await registration.register()
    device.claims = {"client_id": "elsewhere", "subject": "elsewhere", "reception_places": ["GT12"]}
    one["data"]["reception_place"] = "GT12"
    bad = device.op("register", person_id="0195c1a0-7b1d-7a11-8f00-2d3e4f5a6b7c", data={})
    named = {
        "/data/name": {},
        "/data/reason": {"name": NAME, "reason": "no_such_reason"},
        "/data/returnee_id": {"returnee_id": one["person_id"]},
    }
    wrong = [device.op("exclude_person", returnee_id=one["person_id"], data=body) for body in named.values()]
    hidden = device.op("exclude_person", returnee_id=one["person_id"], data={"returnee_id": theirs["id"]})
    foreign = device.op("exclude_person", returnee_id=theirs["id"], data={"name": NAME})
    needs = device.op("exclude_person", returnee_id=one["person_id"], data={"returnee_id": bad["person_id"]})
    first, _, *refused, of_hidden, of_foreign, depending = await device.send(one, bad, *wrong, hidden, foreign, needs)
    assert first["status"] == 201, first
    assert [(each["status"], each["problem"]["errors"][0]["pointer"]) for each in (*refused, of_hidden)] == [
        *((422, pointer) for pointer in named),
        (422, "/data/returnee_id"),
    ]
    assert (of_foreign["status"], depending["status"], depending["depends_on"]) == (404, 424, bad["id"])
    assert await registration.fetch("SELECT FROM excluded_person WHERE returnee_id = $1", first["returnee_id"]) == []
    assert await told(registration) == []


async def test_who_was_put_together_with_the_excluded_person_meanwhile_leaves_at_once(registration, device):
    one, other = await registration.register(), await registration.register()
    offline = device.op("exclude_person", ago=HOUR, returnee_id=one["id"], data={"returnee_id": other["id"]})
    made = await registration.post("/v1/households", a_household(other, one))
    assert made.status_code == 201, made.text
    (result,) = await device.send(offline)
    assert result["outcome"] == "done"
    homes = [(await person(registration, each["id"]))["household_id"] for each in (one, other)]
    assert homes[0] != homes[1]


@pytest.mark.parametrize("by", ["desk", "other-device"])
async def test_the_same_that_was_told_before_is_one_exclusion(registration, device, by):
    """Taken out: `_told_before`; alone, its comparison of the records, and that of what was told."""
    one, other = await registration.register(), await registration.register()
    body = {"returnee_id": other["id"], "relation": "partner"}
    if by == "desk":
        (shown,) = await exclude(registration, one, **body)
    else:
        elsewhere = Device(registration)
        await elsewhere.send(elsewhere.op("exclude_person", returnee_id=one["id"], data=body))
        (shown,) = await excluded(registration, one["id"])
    same = device.op("exclude_person", returnee_id=one["id"], data=body)
    differs = device.op("exclude_person", returnee_id=one["id"], data=body | {"reason": "fear_of_harm"})
    third = await registration.register()
    another = device.op("exclude_person", returnee_id=one["id"], data=body | {"returnee_id": third["id"]})
    first, second, of_third = await device.send(same, differs, another)
    assert (first["status"], first["outcome"], first["created_id"]) == (200, "unchanged", shown["id"])
    assert [(each["status"], each["outcome"]) for each in (second, of_third)] == [(201, "done")] * 2
    ids = [shown["id"], second["created_id"], of_third["created_id"]]
    assert [each["id"] for each in await excluded(registration, one["id"])] == ids


async def test_an_end_that_the_device_did_not_know_lets_the_exclusion_count_until_a_person_has_asked(
    registration, device
):
    """Taken out: the comparison with the end; `note_changes` in `end_exclusion`."""
    one, other = await registration.register(), await registration.register()
    (row,) = await exclude(registration, one, returnee_id=other["id"])
    offline = device.op("exclude_person", ago=HOUR, returnee_id=one["id"], data={"returnee_id": other["id"]})
    await registration.post(f"/v1/returnees/{one['id']}/excluded-people/{row['id']}/end", {})
    (result,) = await device.send(offline)
    assert (result["status"], result["outcome"]) == (201, "conflict")
    (shown,) = await excluded(registration, one["id"])
    assert shown["id"] == result["created_id"]
    (conflict,) = await conflicts(registration, one["id"])
    assert (conflict["field"], conflict["held"], conflict["kind"]) == ("/excluded_people", "told", "safety")
    both = await values(registration, conflict["id"])
    assert (both["stored"], both["told"]) == (None, {"exclusion_id": shown["id"]})
    assert await conflicts(registration, other["id"]) == []
    assert (await resolve(registration, conflict["id"], "told")).status_code == 422
    assert (await resolve(registration, conflict["id"], "held")).status_code == 200
    assert await excluded(registration, one["id"]) == [shown]


async def test_an_end_that_the_device_had_read_is_no_conflict(registration, device):
    one, other = await registration.register(), await registration.register()
    (row,) = await exclude(registration, one, returnee_id=other["id"])
    await registration.post(f"/v1/returnees/{one['id']}/excluded-people/{row['id']}/end", {})
    (read,) = [each for each in await read_people(registration) if each["id"] == one["id"]]
    body = {"returnee_id": other["id"]}
    (result,) = await device.send(
        device.op("exclude_person", returnee_id=one["id"], base_revision=read["revision"], data=body)
    )
    assert (result["outcome"], result["conflict_ids"]) == ("done", [])


async def test_no_device_learns_whom_a_person_excludes(registration, device):
    one, other = await device.register(), await device.register()
    before = await read_people(registration)
    body = {"name": NAME, "returnee_id": other["person_id"], "reason": "fear_of_harm"}
    operation = device.op("exclude_person", returnee_id=one["person_id"], data=body)
    (result,) = await device.send(operation)
    assert await read_people(registration) == before
    assert other["returnee_id"] not in str(result)
    assert NAME["family_names"] not in str(result)
    theirs = (await registration.get(f"/v1/returnees/{other['returnee_id']}/access-log")).json()["items"]
    assert "exclude" not in str(theirs)
    rows = await registration.fetch("SELECT * FROM sync_operation WHERE operation_id = $1", operation["id"])
    assert other["returnee_id"] not in str([dict(row) for row in rows])


async def read_people(registration: Registration) -> list[dict[str, Any]]:
    answer = await registration.get("/v1/sync/people?limit=200")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])
