"""Two sides change one field without a line between them: clocks decide about ordinary fields, people about safety."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.service.registration.offline import Device, conflicts, correct, person, resolve, values

HOUR = timedelta(hours=1)
ADULT, CHILD = "1990-05-17", "2015-05-17"


@pytest.fixture
def device(registration):
    return Device(registration)


def profile(device, returnee_id, *, ago=timedelta(0), base=None, **fields):
    return device.op("correct", ago=ago, returnee_id=returnee_id, base_revision=base, data={"profile": fields})


async def test_an_old_change_without_a_line_does_not_overwrite_a_newer_one(registration, device):
    one = await registration.register()
    offline = profile(device, one["id"], ago=HOUR, destination="GT13", sex="female")
    await correct(registration, one["id"], profile={"destination": "GT16"})
    (result,) = await device.send(offline)
    assert (result["status"], result["outcome"], result["superseded"]) == (200, "done", ["/profile/destination"])
    seen = (await person(registration, one["id"]))["profile"]
    assert (seen["destination"], seen["sex"]) == ("GT16", "female")
    (kept,) = await conflicts(registration, one["id"], is_open=False)
    assert (kept["kind"], kept["held"], kept["resolution"]) == ("superseded", "stored", "last_writer")
    both = await values(registration, kept["id"])
    assert (both["stored"], both["told"]) == ("GT16", "GT13"), "nothing is lost"


async def test_a_newer_change_without_a_line_counts_and_the_older_value_is_kept(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], profile={"destination": "GT16"})
    (result,) = await device.send(profile(device, one["id"], destination="GT13"))
    assert (result["outcome"], result["superseded"]) == ("done", [])
    assert (await person(registration, one["id"]))["profile"]["destination"] == "GT13"
    (kept,) = await conflicts(registration, one["id"], is_open=False)
    assert (await values(registration, kept["id"]))["stored"] == "GT16"


async def test_a_change_on_what_the_device_had_read_counts_whatever_its_clock_says(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], profile={"destination": "GT16"})
    (result,) = await device.send(profile(device, one["id"], ago=HOUR, base=1, destination="GT13"))
    assert result["superseded"] == []
    assert (await person(registration, one["id"]))["profile"]["destination"] == "GT13"


async def test_two_devices_meet_by_their_real_times_although_one_clock_is_hours_ahead(registration):
    ahead, right = Device(registration, clock=9 * HOUR), Device(registration)
    one = await registration.register()
    early = profile(ahead, one["id"], ago=2 * HOUR, destination="GT13")
    late = profile(right, one["id"], ago=HOUR, destination="GT16")
    await right.send(late)
    (result,) = await ahead.send(early)
    assert result["outcome"] == "superseded"
    assert (await person(registration, one["id"]))["profile"]["destination"] == "GT16"


async def test_the_order_of_one_device_is_that_of_its_numbers_although_its_clock_was_set_back(registration, device):
    one = await device.register()
    first = profile(device, one["person_id"], destination="GT13")
    second = profile(device, one["person_id"], ago=5 * HOUR, destination="GT16")
    results = await device.send(first, second)
    assert [result["superseded"] for result in results] == [[], []]
    assert (await person(registration, one["returnee_id"]))["profile"]["destination"] == "GT16"


async def test_an_operation_that_comes_after_a_later_one_of_its_device_does_not_undo_it(registration, device):
    one = await device.register()
    first = profile(device, one["person_id"], ago=HOUR, destination="GT13")
    second = profile(device, one["person_id"], destination="GT16")
    await device.send(second)
    (result,) = await device.send(first)
    assert result["outcome"] == "superseded"
    assert (await person(registration, one["returnee_id"]))["profile"]["destination"] == "GT16"


async def test_protection_flags_of_both_sides_hold_until_a_person_decides(registration, device):
    one = await registration.register()
    offline = profile(device, one["id"], ago=HOUR, protection_flags=["fears_return"])
    await correct(registration, one["id"], profile={"protection_flags": ["age_disputed"]})
    (result,) = await device.send(offline)
    assert result["outcome"] == "conflict"
    assert set((await person(registration, one["id"]))["profile"]["protection_flags"]) == {
        "fears_return",
        "age_disputed",
    }
    (conflict,) = await conflicts(registration, one["id"])
    assert (conflict["id"], conflict["field"]) == (result["conflict_ids"][0], "/profile/protection_flags")
    both = await values(registration, conflict["id"])
    assert (both["held"], both["stored"], both["told"]) == ("both", ["age_disputed"], ["fears_return"])
    answer = await resolve(registration, conflict["id"], "told")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["resolution"], answer.json()["reason"]) == ("told", "asked_the_person")
    assert (await person(registration, one["id"]))["profile"]["protection_flags"] == ["fears_return"]
    assert await conflicts(registration, one["id"]) == []
    rows = await registration.fetch(
        "SELECT stored_sealed, told_sealed FROM sync_conflict WHERE id = $1", conflict["id"]
    )
    assert [tuple(row) for row in rows] == [(None, None)]


async def test_whom_to_avoid_is_the_union_also_if_the_change_without_a_line_is_later(registration, device):
    one = await registration.register()
    first, second = str(uuid4()), str(uuid4())
    await correct(registration, one["id"], profile={"avoid_organizations": [first]})
    (result,) = await device.send(profile(device, one["id"], avoid_organizations=[second]))
    assert result["outcome"] == "conflict"
    assert set((await person(registration, one["id"]))["profile"]["avoid_organizations"]) == {first, second}


async def test_a_later_change_of_the_same_device_does_not_open_what_holds_meanwhile(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], profile={"protection_flags": ["age_disputed"]})
    for flags in (["fears_return"], []):
        (result,) = await device.send(profile(device, one["id"], protection_flags=flags))
        assert result["outcome"] == "conflict"
        held = (await person(registration, one["id"]))["profile"]["protection_flags"]
        assert set(held) == {"fears_return", "age_disputed"}


@pytest.mark.parametrize(("online", "offline"), [(ADULT, CHILD), (CHILD, ADULT)])
async def test_in_doubt_the_person_is_a_child(registration, device, online, offline):
    one = await registration.register()
    told = device.op("correct", ago=HOUR, returnee_id=one["id"], data={"identity": {"birth_date": offline}})
    await correct(registration, one["id"], identity={"birth_date": online})
    (result,) = await device.send(told)
    assert result["outcome"] == "conflict"
    seen = await person(registration, one["id"])
    assert (seen["identity"]["birth_date"], seen["profile"]["age_group"]) == (CHILD, "child")
    (conflict,) = await conflicts(registration, one["id"])
    both = await values(registration, conflict["id"])
    assert (both["stored"], both["told"]) == (online, offline)


async def test_a_told_age_and_a_birth_date_of_two_sides_meet(registration, device):
    one = await registration.register()
    told = device.op("correct", ago=HOUR, returnee_id=one["id"], data={"identity": {"birth_date": ADULT}})
    await correct(registration, one["id"], profile={"age": {"group": "child", "basis": "own_word"}})
    (result,) = await device.send(told)
    assert result["outcome"] == "conflict"
    assert (await person(registration, one["id"]))["profile"]["age_group"] == "child"


async def test_an_impossible_birth_date_is_refused_also_where_it_would_be_a_conflict(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], identity={"birth_date": CHILD})
    told = device.op("correct", returnee_id=one["id"], data={"identity": {"birth_date": "1700-01-01"}})
    (result,) = await device.send(told)
    assert (result["status"], result["problem"]["errors"][0]["pointer"]) == (422, "/data/identity/birth_date")
    assert await conflicts(registration, one["id"]) == []


async def test_a_conflict_is_decided_once_by_a_desk_that_has_read_it(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], profile={"protection_flags": ["age_disputed"]})
    (result,) = await device.send(profile(device, one["id"], protection_flags=["fears_return"]))
    (conflict_id,) = result["conflict_ids"]
    assert (await resolve(registration, conflict_id, "held", etag=None)).status_code == 428
    assert (await resolve(registration, conflict_id, "held", etag='"7"')).status_code == 412
    assert (await resolve(registration, conflict_id, "held", scopes="returnees:write")).status_code == 403
    foreign = {"organization_id": str(uuid4()), "client_id": "another", "reception_places": [], "staff": False}
    assert (await resolve(registration, conflict_id, "held", **foreign)).status_code == 404
    assert await conflicts(registration, one["id"], **foreign) == []
    assert (await resolve(registration, conflict_id, "held", reason="because")).status_code == 422
    assert (await resolve(registration, conflict_id, "held")).status_code == 200
    assert (await resolve(registration, conflict_id, "held", etag='"2"')).status_code == 409


async def test_who_read_and_who_decided_is_on_record(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], profile={"protection_flags": ["age_disputed"]})
    (result,) = await device.send(profile(device, one["id"], protection_flags=["fears_return"]))
    await values(registration, result["conflict_ids"][0])
    await resolve(registration, result["conflict_ids"][0], "held")
    entries = (await registration.get(f"/v1/returnees/{one['id']}/access-log")).json()["items"]
    assert {"sync_conflict.keep", "sync_conflict.read", "sync_conflict.resolve"} <= {one["action"] for one in entries}


async def test_the_values_of_a_conflict_go_with_the_person(registration, device):
    one = await registration.register()
    await correct(registration, one["id"], profile={"protection_flags": ["age_disputed"]})
    (result,) = await device.send(profile(device, one["id"], protection_flags=["fears_return"]))
    await registration.post(f"/v1/returnees/{one['id']}/erasure")
    assert (await registration.get(f"/v1/sync/conflicts/{result['conflict_ids'][0]}")).status_code == 404
    for table in ("sync_conflict", "field_change"):
        assert await registration.fetch(f"SELECT 1 FROM {table} WHERE returnee_id = $1", one["id"]) == []
    rows = await registration.fetch("SELECT fingerprint FROM sync_operation WHERE returnee_id = $1", one["id"])
    assert [row["fingerprint"] for row in rows] == [None]
