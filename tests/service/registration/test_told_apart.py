"""Referral alone is told which records must be kept apart, and they never become one person (P8)."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.migrations import upgrade_async
from libs.events.acls import OPERATOR, Operation, rights
from tests.service.registration.conftest import Registration
from tests.service.registration.matching import merge, twice
from tests.service.registration.test_excluded_people import NAME, a_household, exclude

TOPIC = "enlace.kept-apart"


async def told(registration: Registration) -> list[dict[str, Any]]:
    sql = "SELECT * FROM outbox WHERE topic = $1 AND id > $2 ORDER BY id"
    rows = await registration.fetch(sql, TOPIC, registration.outbox_before)
    return [dict(row) | {"payload": json.loads(row["payload"])} for row in rows]


@pytest.mark.parametrize("who_says", ["first", "second"])
async def test_referral_is_told_of_two_records_and_not_who_said_it(registration, who_says):
    """Taken out: the order of the two ids in `_tell`."""
    first, second = await registration.register(), await registration.register()
    says, feared = (first, second) if who_says == "first" else (second, first)
    before = await registration.fetch("SELECT id FROM outbox WHERE topic <> $1", TOPIC)
    shown = (await registration.get(f"/v1/returnees/{feared['id']}")).json()
    (row,) = await exclude(registration, says, returnee_id=feared["id"], reason="fear_of_harm")
    (begun,) = await told(registration)
    lower, higher = sorted((first["id"], second["id"]))
    pair = {"first_returnee_id": lower, "second_returnee_id": higher, "exclusion_id": row["id"]}
    assert (begun["type"], begun["payload"]) == ("people.kept-apart.v1", pair)
    assert (begun["key"], begun["traceparent"]) == (row["id"], None)
    await registration.post(f"/v1/returnees/{says['id']}/excluded-people/{row['id']}/end", {})
    _, ended = await told(registration)
    assert (ended["type"], ended["payload"]) == ("people.kept-apart-ended.v1", pair)
    assert await registration.fetch("SELECT id FROM outbox WHERE topic <> $1", TOPIC) == before
    assert (await registration.get(f"/v1/returnees/{feared['id']}")).json() == shown


async def test_a_name_alone_is_told_to_nobody(registration):
    person = await registration.register()
    (row,) = await exclude(registration, person, name=NAME)
    await registration.post(f"/v1/returnees/{person['id']}/excluded-people/{row['id']}/end", {})
    assert await told(registration) == []


def test_only_referral_reads_it():
    found = {right.user for right in rights() if (right.name, right.operation) == (TOPIC, Operation.READ)}
    assert found == {"referral", OPERATOR}
    writers = {right.user for right in rights() if (right.name, right.operation) == (TOPIC, Operation.WRITE)}
    assert writers == {"registration"}


@pytest.mark.parametrize("who_says", ["first", "second"])
async def test_who_excludes_another_is_never_merged_with_them(registration, who_says):
    """Taken out: `_require_together` in `merge`."""
    first, second, match = await twice(registration)
    says, feared = (first, second) if who_says == "first" else (second, first)
    await exclude(registration, says, returnee_id=feared["id"])
    for into in (first["id"], second["id"]):
        refused = await merge(registration, match, into)
        assert (refused.status_code, refused.json()["code"]) == (409, "must-stay-apart")
    rows = await registration.fetch("SELECT FROM returnee WHERE merged_into IS NOT NULL")
    assert rows == []
    assert await registration.events("returnee.merged.v1") == []


async def test_a_merge_does_not_bring_somebody_into_the_household_of_whom_they_exclude(registration):
    """Taken out: the members of the households in `_require_together`."""
    first, second, match = await twice(registration)
    member = await registration.register()
    made = await registration.post("/v1/households", a_household(second, member))
    assert made.status_code == 201, made.text
    await exclude(registration, first, returnee_id=member["id"])
    refused = await merge(registration, match, second["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "must-stay-apart")
    third = await registration.register()
    await exclude(registration, third, returnee_id=first["id"])
    path = f"/v1/returnees/{first['id']}/excluded-people"
    (row,) = (await registration.get(path)).json()
    assert (await registration.post(f"{path}/{row['id']}/end", {})).status_code == 200
    merged = await merge(registration, match, second["id"])
    assert merged.status_code == 200, merged.text


async def test_what_people_excluded_before_is_told_by_the_migration(postgres_server, registration):
    """Taken out: the statement of the migration."""
    url = postgres_server.new_database("told_apart")
    await upgrade_async("registration", url, revision="0041")
    owner = await asyncpg.connect(url)
    one, other, row_id = uuid4(), uuid4(), uuid4()
    try:
        # Only the exclusions matter here: the people are left out.
        await owner.execute("ALTER TABLE excluded_person DROP CONSTRAINT excluded_person_returnee_id_fkey")
        await owner.execute("ALTER TABLE excluded_person DROP CONSTRAINT excluded_person_other_returnee_id_fkey")
        for key, linked in ((row_id, other), (uuid4(), None)):
            await owner.execute(
                "INSERT INTO excluded_person VALUES ($1, $2, $3, $4, '', now())", key, one, linked, linked is None
            )
        await upgrade_async("registration", url)
        (event,) = await owner.fetch("SELECT * FROM outbox")
    finally:
        await owner.close()
    first, second = sorted((one, other))
    assert (event["topic"], event["type"], event["key"]) == (TOPIC, "people.kept-apart.v1", str(row_id))
    assert {name: UUID(value) for name, value in json.loads(event["payload"]).items()} == {
        "exclusion_id": row_id,
        "first_returnee_id": first,
        "second_returnee_id": second,
    }
