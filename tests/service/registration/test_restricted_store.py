"""Restricted needs have a store, key and grant of their own: `need` and the vault key tell nothing of them."""

import json
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from services.registration.erasure.actions import replay_erasures
from services.registration.needs.restricted import of_person, restricted_role
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import VaultError
from tests.infra import for_service
from tests.service.registration.conftest import RECEPTION, a_returnee
from tests.service.registration.test_erased_attacked import bytes_in, dump

READING = f"{RECEPTION} restricted:read"
HIDDEN = ("gbv", "anti_trafficking")
GBV = {"category": "gbv", "urgency": "normal"}
OF_ACCEPTED_OFFERS = {"packet_access", "packet_share", "deletion_request"}
OF_WHAT_IS_TOLD_ON = {"outbox", "outbox_sent"}
"""What referral is told stands there until it is sent and for the days after."""


async def tell(registration, person, **need):
    return await registration.post(f"/v1/returnees/{person['id']}/needs", {**GBV, **need}, scopes=READING)


async def needs_of(registration, person):
    answer = await registration.get(f"/v1/returnees/{person['id']}/needs", scopes=READING)
    return answer.json()["items"]


async def told_everywhere(registration):
    """Two people who tell of restricted needs in every way there is; their ids."""
    needs = [{"category": "shelter"}, {**GBV, "sender_reference": "n-1"}, {"category": "anti_trafficking"}]
    person = await registration.register(needs=needs)
    for more in ({"urgency": "urgent"}, {"sender_reference": "n-2"}, {"second_reason": "another_place"}):
        assert (await tell(registration, person, **more)).status_code in (200, 201)
    source = f"urn:reception:{uuid4()}"
    arrival = a_returnee(sender_reference="one", needs=needs)
    more = arrival | {"needs": [*needs, needs[2] | {"urgency": "urgent"}]}
    for told in (arrival, more):
        await registration.hear(ReturneeArrived.model_validate(told), source=source)
    (row,) = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
    return [UUID(person["id"]), row["id"]]


async def test_no_table_names_a_restricted_category_or_whose_need_it_is(registration):
    people = await told_everywhere(registration)
    ours, theirs = await dump(registration.url), await dump(registration.keys_url)
    assert len(ours["restricted_need"]) >= 5
    for name, rows in (ours | theirs).items():
        text = [str(dict(row)).lower() for row in rows]
        if name in OF_ACCEPTED_OFFERS:  # other tests have had some accepted
            text = [row for row in text if any(str(person) in row for person in people)]
        if name not in OF_WHAT_IS_TOLD_ON:
            assert not [row for row in text if any(f"'{category}'" in row for category in HIDDEN)], name
        if name.startswith("restricted"):
            spelt = [one for person in people for one in (str(person), person.hex, str(person.bytes))]
            assert not [row for row in text if any(one.lower() in row for one in spelt)], name
    assert {row["category"] for row in ours["need"]} & set(HIDDEN) == set()


async def test_the_vault_key_opens_links_and_guesses_nothing_of_a_restricted_need(registration):
    (person, _), master = await told_everywhere(registration), registration.vault.master
    ours, theirs = await dump(registration.url), await dump(registration.keys_url)
    opened = 0
    for row in theirs["data_key"]:
        try:
            master.unwrap(row["wrapped"], subject_id=row["subject_id"])
            opened += 1
        except VaultError:
            assert row["kind"] == "restricted"
    assert opened
    assert all(row["created_at"].day == 1 and row["created_at"].hour == 0
               for row in theirs["data_key"] if row["kind"] == "restricted")  # fmt: skip
    stored = {one for rows in ours.values() for row in rows for value in row.values() for one in bytes_in(value)}
    named = [{"category": "gbv", "sender_reference": "n-1", "urgency": "normal"}, {"category": "anti_trafficking"}]
    texts = [f"{json.dumps(need, sort_keys=True)}#0" for need in named]
    facts = {master.blind("told", str(person), "/needs", text) for text in texts}
    source = "client:reception-system"
    guesses = facts | {master.blind("need", source, str(person), reference) for reference in ("n-1", "n-2")}
    assert not guesses & stored
    assert {registration.vault.restricted.blind("told", fact.hex()) for fact in facts} & stored, (
        "the facts are guessed well"
    )
    ids = {UUID(need["id"]) for need in await needs_of(registration, {"id": person})}
    milliseconds = person.int >> 80
    made = {
        master.derived_id("need told first", str(person), category, "0", milliseconds=milliseconds, place=place)
        for category in ("shelter", *HIDDEN)
        for place in range(4)
    }
    assert len(made & ids) == 1, "the ordinary one"


async def test_what_is_sealed_says_nothing_by_its_length_and_opens_in_its_row_only(registration):
    (person, _) = await told_everywhere(registration)
    rows = await registration.fetch("SELECT * FROM restricted_need")
    assert len({len(row["sealed"]) for row in rows}) == 1
    one, other = [row for row in rows if row["owner"] == registration.vault.owner_of(person)][:2]
    try:
        await registration.fetch("UPDATE restricted_need SET sealed = $1 WHERE id = $2", other["sealed"], one["id"])
        async with registration.database.transaction() as session:
            with pytest.raises(VaultError):
                await of_person(session, person, None, vault=registration.vault)
    finally:
        await registration.fetch("UPDATE restricted_need SET sealed = $1 WHERE id = $2", one["sealed"], one["id"])


async def test_the_login_of_the_service_reads_the_store_in_its_role_only_and_then_nothing_else(registration):
    await told_everywhere(registration)
    connection = await asyncpg.connect(for_service(registration.url))
    try:
        for statement in (
            "SELECT id FROM restricted_need",
            "SELECT 1 FROM restricted_repeat",
            "DELETE FROM restricted_need",
            "UPDATE restricted_need SET open_key = NULL",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
    async with registration.database.transaction() as session, restricted_role(session) as connection:
        assert await connection.fetchval("SELECT count(*) FROM restricted_need") >= 5
    for statement in ("SELECT xmin FROM restricted_need", "SELECT 1 FROM need", "SELECT 1 FROM returnee"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with registration.database.transaction() as session, restricted_role(session) as connection:
                await connection.execute(statement)


async def test_the_role_is_put_down_whatever_happens(registration):
    async with registration.database.transaction() as session:
        with pytest.raises(KeyError):
            async with restricted_role(session):
                raise KeyError
        connection = await session.connection()
        assert (await connection.exec_driver_sql("SELECT current_user = session_user")).scalar_one()
    with pytest.raises(asyncpg.PostgresError):
        async with registration.database.transaction() as session, restricted_role(session) as driver:
            await driver.execute("SELECT 1 / 0")
    async with registration.database.transaction() as session:
        connection = await session.connection()
        assert (await connection.exec_driver_sql("SELECT current_user = session_user")).scalar_one()


async def test_an_erasure_takes_the_needs_and_their_key_also_after_a_restore_of_the_keys(registration):
    person = await registration.register(needs=[GBV])
    await tell(registration, person)
    returnee_id, vault = UUID(person["id"]), registration.vault
    owner = vault.owner_of(returnee_id)
    (kept,) = await registration.fetch("SELECT * FROM data_key WHERE subject_id = $1", owner, keys=True)
    assert await registration.fetch("SELECT 1 FROM restricted_need WHERE owner = $1", owner)
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    assert await registration.fetch("SELECT 1 FROM restricted_need WHERE owner = $1", owner) == []
    assert await data_keys(vault, [owner]) == {}
    gone = await dump(registration.keys_url)
    assert not [row for row in gone["erased_subject"] if row["subject_id"] == owner], "no list tells of what kind"
    await registration.fetch("DELETE FROM erased_subject WHERE subject_id = $1", returnee_id, keys=True)
    await registration.fetch("INSERT INTO data_key VALUES ($1, $2, $3, $4, $5)", *dict(kept).values(), keys=True)
    async with registration.database.transaction() as session:
        await replay_erasures(session, pack=registration.pack, vault=vault)
    assert await data_keys(vault, [owner]) == {}


async def test_a_part_of_needs_that_was_set_aside_is_sealed_as_they_are(registration):
    source = f"urn:reception:{uuid4()}"
    arrival = ReturneeArrived.model_validate(
        a_returnee(sender_reference="one", needs=[{"category": "food", "after_category": "gbv"}])
    )
    await registration.hear(arrival, source=source)
    rows = await registration.fetch(
        "SELECT p.* FROM doubtful_part p JOIN returnee r ON r.id = returnee_id WHERE source = $1", source
    )
    (row,) = [row for row in rows if row["pointer"].startswith("/needs")]
    keys = await data_keys(registration.vault, [row["returnee_id"]])
    with pytest.raises(VaultError):
        keys[row["returnee_id"]].open(row["value_sealed"], table="doubtful_part", column="value")
    shown = await registration.get(f"/v1/doubtful-parts/{row['id']}", scopes=READING)
    assert "gbv" in json.dumps(shown.json()["value"])


async def test_a_parked_arrival_does_not_open_with_the_vault_key(registration):
    vault = registration.vault
    parked = vault.seal_parked(b"arrival")
    assert vault.open_parked(parked) == b"arrival"
    with pytest.raises(VaultError):
        vault.master.open_parked(parked)
    assert vault.open_parked(vault.master.seal_parked(b"of before")) == b"of before"
