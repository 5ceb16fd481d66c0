"""Two sides change one field without a line between them: clocks decide about ordinary fields, people about safety."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.service.registration.conftest import a_consent
from tests.service.registration.offline import Device

HOUR = timedelta(hours=1)
ADULT, CHILD = "1990-05-17", "2015-05-17"


@pytest.fixture
def device(registration):
    return Device(registration)


async def person(registration, returnee_id):
    return (await registration.get(f"/v1/returnees/{returnee_id}")).json()


async def correct(registration, returnee_id, **body):
    """A correction with a line."""
    response = await registration.patch(f"/v1/returnees/{returnee_id}", body, etag="*")
    assert response.status_code == 200, response.text


async def conflicts(registration, returnee_id, *, is_open=True, **claims):
    path = f"/v1/sync/conflicts?open={str(is_open).lower()}&returnee_id={returnee_id}"
    response = await registration.get(path, **claims)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def values(registration, conflict_id):
    response = await registration.get(f"/v1/sync/conflicts/{conflict_id}")
    assert response.status_code == 200, response.text
    return response.json()


async def resolve(registration, conflict_id, resolution, *, etag='"1"', reason="asked_the_person", **claims):
    headers = registration.headers(**claims) | ({"If-Match": etag} if etag else {})
    body = {"resolution": resolution, "reason": reason}
    return await registration.client.post(f"/v1/sync/conflicts/{conflict_id}/resolve", json=body, headers=headers)


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


async def consents_of(registration, returnee_id):
    return (await registration.get(f"/v1/returnees/{returnee_id}/consents")).json()


async def test_a_consent_that_meets_a_withdrawal_does_not_count_until_a_person_decides(registration, device):
    one = await registration.register(consents=[a_consent()])
    offline = device.op("give_consent", returnee_id=one["id"], data=a_consent())
    (given,) = await consents_of(registration, one["id"])
    await registration.post(f"/v1/returnees/{one['id']}/consents/{given['id']}/withdraw")
    (result,) = await device.send(offline)
    assert (result["outcome"], result["created_id"]) == ("conflict", None)
    assert [consent["standing"] for consent in await consents_of(registration, one["id"])] == [False]
    answer = await resolve(registration, result["conflict_ids"][0], "told")
    assert answer.status_code == 200, answer.text
    assert [consent["standing"] for consent in await consents_of(registration, one["id"])] == [False, True]


async def test_a_withdrawal_counts_also_against_a_consent_that_was_given_anew(registration, device):
    one = await registration.register(consents=[a_consent()])
    (given,) = await consents_of(registration, one["id"])
    offline = device.op("withdraw_consent", ago=HOUR, returnee_id=one["id"], consent_id=given["id"])
    await registration.post(f"/v1/returnees/{one['id']}/consents", a_consent(staff_reference="desk-9"))
    (result,) = await device.send(offline)
    assert result["outcome"] == "conflict"
    assert [consent["standing"] for consent in await consents_of(registration, one["id"])] == [False, False]
    answer = await resolve(registration, result["conflict_ids"][0], "stored")
    assert answer.status_code == 200, answer.text
    anew = (await consents_of(registration, one["id"]))[-1]
    assert (anew["standing"], anew["staff_reference"]) == (True, "desk-9")


async def test_a_consent_that_somebody_else_withdrew_before_is_withdrawn_once(registration, device):
    one = await registration.register(consents=[a_consent()])
    (given,) = await consents_of(registration, one["id"])
    await registration.post(f"/v1/returnees/{one['id']}/consents/{given['id']}/withdraw")
    (result,) = await device.send(device.op("withdraw_consent", returnee_id=one["id"], consent_id=given["id"]))
    assert (result["status"], result["outcome"]) == (200, "unchanged")


async def test_of_two_safe_contacts_none_is_used_until_a_person_decides(registration, device):
    one = await registration.register()
    path = f"/v1/returnees/{one['id']}/safe-contact"
    offline = device.op(
        "set_safe_contact", ago=HOUR, returnee_id=one["id"], data={"channel": "sms", "address": "+50251234567"}
    )
    online = {"channel": "sms", "address": "+502 5765 4321", "language": "spa"}
    assert (await registration.client.put(path, json=online, headers=registration.headers())).status_code == 200
    (result,) = await device.send(offline)
    assert result["outcome"] == "conflict"
    assert (await registration.get(f"{path}?purpose=referral")).json()["channel"] == "none"
    both = await values(registration, result["conflict_ids"][0])
    assert both["stored"]["address"] == "+50257654321"
    assert both["told"]["address"] == "+50251234567"
    assert (await resolve(registration, result["conflict_ids"][0], "stored")).status_code == 200
    seen = (await registration.get(f"{path}?purpose=referral")).json()
    assert (seen["channel"], seen["address"], seen["language"]) == ("sms", "+50257654321", "spa")


async def test_a_person_who_was_put_elsewhere_stays_there_until_a_person_decides(registration, device):
    one, other, third = [await registration.register() for _ in range(3)]
    body = {"reference_returnee_id": one["id"], "member_ids": [one["id"], other["id"]], "expected_size": 2}
    offline = device.op("join_household", data=body)
    await registration.post(
        "/v1/households",
        {"reference_returnee_id": other["id"], "member_ids": [other["id"], third["id"]], "expected_size": 2},
    )
    (result,) = await device.send(offline)
    assert result["outcome"] == "conflict"
    homes = [(await person(registration, who["id"]))["household_id"] for who in (one, other, third)]
    assert homes[0] == result["created_id"]
    assert homes[1] == homes[2] != homes[0]
    (conflict,) = await conflicts(registration, other["id"])
    assert conflict["field"] == "/household"
    assert (await resolve(registration, conflict["id"], "told")).status_code == 422
    assert (await resolve(registration, conflict["id"], "mended")).status_code == 200


async def test_a_person_is_added_to_a_household_that_was_made_without_a_line(registration, device):
    first, second = await device.register(), await device.register()
    made = device.op(
        "join_household",
        data={
            "reference_returnee_id": first["person_id"],
            "member_ids": [first["person_id"]],
            "expected_size": 2,
        },
    )
    more = device.op(
        "join_household",
        household_id=made["id"],
        data={
            "reference_returnee_id": first["person_id"],
            "member_ids": [second["person_id"]],
            "expected_size": 2,
        },
    )
    results = await device.send(made, more)
    assert [result["outcome"] for result in results] == ["done", "done"], results
    homes = {(await person(registration, who["returnee_id"]))["household_id"] for who in (first, second)}
    assert homes == {results[0]["created_id"]}


async def test_two_devices_that_meet_the_same_entry_keep_both_people_and_a_person_decides(registration):
    batch = await registration.announce(2)
    met = {"arrival_batch_id": batch["id"], "manifest_reference": "seat-0"}
    (first,) = await Device(registration).send(Device(registration).person(**met))
    device = Device(registration)
    one = device.person(**met)
    (second,) = await device.send(one)
    assert (first["outcome"], second["outcome"]) == ("done", "conflict")
    assert first["returnee_id"] != second["returnee_id"]
    (conflict,) = await conflicts(registration, second["returnee_id"])
    assert (conflict["kind"], conflict["other_returnee_id"]) == ("same_entry", first["returnee_id"])
    (again,) = await device.send(one)
    assert (again["replayed"], again["conflict_ids"]) == (True, second["conflict_ids"])
    assert (await resolve(registration, conflict["id"], "mended")).status_code == 200


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
