"""Consents, safe contacts, households and manifest entries on which two sides disagree: meanwhile less is allowed."""

from datetime import timedelta

import pytest

from tests.service.registration.conftest import a_consent
from tests.service.registration.offline import Device, conflicts, person, resolve, values

HOUR = timedelta(hours=1)


@pytest.fixture
def device(registration):
    return Device(registration)


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


async def test_a_consent_in_conflict_that_the_device_withdraws_waits_for_nobody_any_more(registration, device):
    one = await registration.register(consents=[a_consent()])
    offline = device.op("give_consent", returnee_id=one["id"], data=a_consent())
    later = device.op("withdraw_consent", returnee_id=one["id"], consent_id=offline["id"])
    (given,) = await consents_of(registration, one["id"])
    await registration.post(f"/v1/returnees/{one['id']}/consents/{given['id']}/withdraw")
    results = await device.send(offline, later)
    assert [result["outcome"] for result in results] == ["conflict", "unchanged"], results
    assert await conflicts(registration, one["id"]) == []
    assert (await resolve(registration, results[0]["conflict_ids"][0], "told", etag='"2"')).status_code == 409


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
