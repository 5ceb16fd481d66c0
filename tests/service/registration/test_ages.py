"""Whether a person is a child or an adult, as told without a birth date, corrected, or decided by a desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.migrations import upgrade_async
from libs.events.catalogue.referral import AgeDecided
from tests.service.registration.conftest import a_consent, a_returnee
from tests.service.registration.test_doubtful_parts import arrive, parts, value_of
from tests.service.registration.test_restricted_moving import RETURNEE_OF_BEFORE

NAMES = {"given_names": "Muestra Uno", "family_names": "Ejemplo Primero"}
BY_SIGHT = {"group": "adult", "basis": "staff_judgement"}


def a_profile(**facts: Any) -> dict[str, Any]:
    return {"nationality": "GT", "identity_document": "lost_on_route"} | facts


async def profiles(registration: Any, returnee_id: str) -> list[tuple[str, str]]:
    """Band and group as they were published, oldest first."""
    told = await registration.events("returnee.registered.v1", "returnee.changed.v1", key=returnee_id)
    return [(one["age_band"], one["age_group"]) for one in told]


async def decided(registration: Any, returnee_id: str, group: str, **changes: Any) -> None:
    values: dict[str, Any] = {"basis": "assessment", "desk": "pgn-child-desk", "at": datetime.now(UTC)} | changes
    await registration.hear(
        AgeDecided(returnee_id=UUID(returnee_id), age_group=group, **values), source="urn:enlace:referral"
    )


async def test_five_facts_can_say_that_somebody_is_an_adult(registration):
    person = await registration.register(profile=a_profile(age=BY_SIGHT))
    profile = person["profile"]
    assert (profile["age_band"], profile["age_group"], profile["age_basis"]) == ("unknown", "adult", "staff_judgement")
    assert await profiles(registration, person["id"]) == [("unknown", "adult")]
    silent = await registration.register()
    assert await profiles(registration, silent["id"]) == [("unknown", "unsure")]
    born = await registration.register(identity=NAMES | {"birth_date": "2015-05-17"})
    assert await profiles(registration, born["id"]) == [("5_11", "child")]


async def test_a_group_against_the_birth_date_is_refused_at_both_places(registration):
    before = len(await registration.fetch("SELECT id FROM returnee"))
    body = a_returnee(identity=NAMES | {"birth_date": "2015-05-17"}, profile=a_profile(age=BY_SIGHT))
    answer = await registration.post("/v1/returnees", body)
    assert answer.status_code == 422
    faults = [(fault["pointer"], fault["rule"]) for fault in answer.json()["errors"]]
    rule = "age-of-birth-date"
    assert faults == [("/profile/age/group", rule), ("/identity/birth_date", rule)]
    assert "2015" not in answer.text
    assert len(await registration.fetch("SELECT id FROM returnee")) == before
    for age in ({"group": "adult"}, {"group": "old", "basis": "document"}, {"basis": "document"}, "adult"):
        odd = await registration.post("/v1/returnees", a_returnee(profile=a_profile(age=age)))
        assert odd.status_code == 422, age
        assert odd.json()["errors"][0]["pointer"].startswith("/profile/age"), age


async def test_by_event_the_contradiction_waits_for_the_desk_and_the_age_is_unsure(registration):
    identity = NAMES | {"birth_date": "2015-05-17"}
    person = await arrive(registration, identity=identity, profile=a_profile(age=BY_SIGHT))
    assert await profiles(registration, person) == [("unknown", "unsure")]
    found = {part["pointer"]: part for part in await parts(registration, person)}
    assert found.keys() == {"/profile/age", "/identity/birth_date"}
    assert all(part["is_urgent"] and part["rule"] == "age-of-birth-date" for part in found.values())
    assert await value_of(registration, found["/profile/age"]) == BY_SIGHT
    odd = await arrive(registration, profile=a_profile(age={"group": "old", "basis": "document"}))
    (part,) = await parts(registration, odd)
    assert (part["pointer"], part["rule"]) == ("/profile/age", "unknown-code")


async def test_a_child_without_a_birth_date_does_not_consent_for_itself(registration):
    child = a_profile(age={"group": "child", "basis": "own_word"})
    answer = await registration.post("/v1/returnees", a_returnee(profile=child, consents=[a_consent()]))
    assert [fault["rule"] for fault in answer.json()["errors"]] == ["guardian-required"]


async def test_a_correction_of_the_age_is_published_and_the_same_arrival_again_changes_nothing(registration):
    told = a_returnee(sender_reference=f"p-{uuid4()}", profile=a_profile(age=BY_SIGHT))
    person = (await registration.post("/v1/returnees", told)).json()
    path = f"/v1/returnees/{person['id']}"
    again = await registration.post("/v1/returnees", told)
    assert (again.status_code, again.json()["version"]) == (201, 1)
    other = told | {"profile": a_profile(age=BY_SIGHT | {"group": "child"})}
    assert (await registration.post("/v1/returnees", other)).json()["differing"] == ["/profile/age"]
    corrected = await registration.patch(path, {"profile": {"age": BY_SIGHT | {"group": "child"}}}, etag='"1"')
    assert corrected.json()["profile"]["age_group"] == "child"
    born = await registration.patch(path, {"identity": {"birth_date": "1990-05-17"}}, etag='"2"')
    assert (born.json()["profile"]["age_band"], born.json()["profile"]["age_basis"]) == ("35_59", None)
    against = await registration.patch(path, {"profile": {"age": BY_SIGHT | {"group": "child"}}}, etag='"3"')
    assert against.status_code == 422
    cleared = await registration.patch(path, {"profile": {"age": None}}, etag='"3"')
    assert cleared.status_code == 422
    assert await profiles(registration, person["id"]) == [
        ("unknown", "adult"),
        ("unknown", "child"),
        ("35_59", "adult"),
    ]


@pytest.mark.parametrize("group", ["child", "adult"])
async def test_what_a_desk_decides_changes_the_profile_and_ends_the_dispute(registration, group):
    disputed = a_profile(protection_flags=["age_disputed", "fears_return"])
    person = await registration.register(identity=NAMES | {"birth_date": "2008-01-01"}, profile=disputed)
    await decided(registration, person["id"], group)
    told = (await registration.events("returnee.changed.v1", key=person["id"]))[-1]
    assert (told["age_band"] == "unknown" or group == "adult", told["age_group"]) == (True, group)
    assert told["protection_flags"] == ["fears_return"]
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    assert ("returnee.decide_age", "urn:enlace:referral") in [(one["action"], one["who"]) for one in log]


async def test_a_desk_that_is_unsure_leaves_the_dispute_and_a_later_decision_counts(registration):
    person = (await registration.register(profile=a_profile(age=BY_SIGHT, protection_flags=["age_disputed"])))["id"]
    now = datetime.now(UTC)
    await decided(registration, person, "unsure", at=now - timedelta(hours=2))
    assert (await registration.events("returnee.changed.v1", key=person))[-1]["protection_flags"] == ["age_disputed"]
    await decided(registration, person, "child", at=now)
    await decided(registration, person, "adult", at=now - timedelta(hours=1))
    assert [group for _, group in await profiles(registration, person)] == ["adult", "unsure", "child"]
    path = f"/v1/returnees/{person}"
    etag = (await registration.get(path)).headers["ETag"]
    against = await registration.patch(path, {"profile": {"age": BY_SIGHT}}, etag=etag)
    assert against.json()["profile"]["age_group"] == "unsure", "a desk decides again"


async def test_who_turns_out_to_be_a_child_has_consented_to_nothing(registration):
    person = (await registration.register(profile=a_profile(age=BY_SIGHT), consents=[a_consent()]))["id"]
    await decided(registration, person, "child")
    grants = [len(one["grants"]) for one in await registration.events("consent.changed.v1", key=person)]
    assert grants == [1, 0]
    await decided(registration, person, "adult")
    assert len((await registration.events("consent.changed.v1", key=person))[-1]["grants"]) == 1


async def test_a_decision_about_nobody_who_is_here_has_no_effect(registration):
    await decided(registration, str(uuid4()), "child")
    person = (await registration.register())["id"]
    assert (await registration.post(f"/v1/returnees/{person}/erasure")).status_code < 300
    before = await registration.events(key=person)
    await decided(registration, person, "child")
    assert await registration.events(key=person) == before


async def test_the_child_desk_sees_who_may_be_a_child(registration):
    desk = {"client_id": "pgn-child-desk", "scopes": "returnees:read", "reception_places": ["GT"]}
    for group, status in (("child", 200), ("unsure", 200), ("adult", 404)):
        age = {"group": group, "basis": "own_word"}
        person = await registration.register(profile=a_profile(age=age))
        assert (await registration.get(f"/v1/returnees/{person['id']}", **desk)).status_code == status


async def test_people_of_before_have_the_group_of_their_band(postgres_server):
    url = postgres_server.new_database("ages_of_before")
    await upgrade_async("registration", url, revision="0019")
    owner = await asyncpg.connect(url)
    bands = {"under_5": "child", "12_17": "child", "18_24": "adult", "60_plus": "adult", "unknown": "unsure"}
    try:
        for band in bands:
            person = uuid4()
            await owner.execute(RETURNEE_OF_BEFORE, person, person.bytes, f"GT-{person.hex[:8]}")
            await owner.execute("UPDATE returnee SET age_band = $2 WHERE id = $1", person, band)
        await upgrade_async("registration", url)
        rows = await owner.fetch("SELECT age_band, age_group, client_kind, age_basis FROM returnee")
    finally:
        await owner.close()
    assert {row["age_band"]: row["age_group"] for row in rows} == bands
    assert {(row["client_kind"], row["age_basis"]) for row in rows} == {("returnee", None)}
