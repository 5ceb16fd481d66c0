"""The record of access: complete, append-only, sealed by a chain that shows every change."""

import asyncio
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.sealed_log import seal_once
from libs.chassis.sealed_log_check import check
from services.registration.audit import actions
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.audit.tables import AUDIT


@pytest.fixture
async def own(postgres_server):
    """A database of its own, because the chain covers all that is in it."""
    url = postgres_server.migrated("registration")
    database = Database(url, clock=Clock(), application_name="registration-audit-test")
    yield database, url
    await database.close()


def an_access(number):
    return Access(
        subject_id=UUID(int=number),
        kind=AccessKind.READ,
        action="returnee.read",
        purpose=AccessPurpose.REGISTRATION,
        fields=["given_names"],
    )


async def record(database, *numbers):
    async with database.transaction() as session:
        await actions.record(session, Actor("desk", "desk"), [an_access(number) for number in numbers])


async def report(database):
    async with database.transaction() as session:
        return await check(session, AUDIT)


async def seal_all(database, count):
    async with asyncio.timeout(300):
        sealed = 0
        while sealed < count:
            sealed += await seal_once(database, AUDIT) or 0


async def test_every_entry_is_sealed_once_and_the_chain_holds(own):
    database, _ = own
    for number in range(5):
        await record(database, number, number + 100)
        await seal_all(database, 2)
    found = await report(database)
    assert (found.entries_count, found.seals_count, found.broken_at, found.unsealed_count) == (10, 5, None, 0)


async def test_an_entry_that_commits_late_is_sealed_later_and_never_skipped(own):
    database, _ = own
    async with database.transaction() as slow:
        await actions.record(slow, Actor("desk", "desk"), [an_access(1)])
        await record(database, 2)
        assert await seal_once(database, AUDIT) == 0, "nothing is final while an older transaction is open"
    await seal_all(database, 2)
    assert (await report(database)).broken_at is None


async def test_two_sealers_make_one_chain(own):
    database, _ = own
    for number in range(20):
        await record(database, number)
    async with asyncio.timeout(300):
        while (await report(database)).unsealed_count:
            await asyncio.gather(*(seal_once(database, AUDIT) for _ in range(6)))
    assert (await report(database)).broken_at is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET who = 'somebody else' WHERE id = 2",
        "DELETE FROM audit_entry WHERE id = 2",
        "UPDATE audit_entry e SET subject_id = o.subject_id FROM audit_entry o WHERE (e.id, o.id) IN ((2, 3), (3, 2))",
        "UPDATE audit_entry e SET transaction_id = o.transaction_id, at = o.at FROM audit_entry o"
        " WHERE (e.id, o.id) IN ((2, 3), (3, 2))",
        "UPDATE audit_seal SET hash = previous_hash WHERE id = 1",
        "DELETE FROM audit_seal WHERE id = 1",
    ],
)
async def test_whoever_gets_past_the_trigger_breaks_the_chain(own, change):
    database, url = own
    for number in range(4):
        await record(database, number)
        await seal_all(database, 1)
    connection = await asyncpg.connect(url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(change)
        await connection.execute("SET session_replication_role = replica")  # what only a superuser can
        await connection.execute(change)
    finally:
        await connection.close()
    assert (await report(database)).broken_at is not None


async def test_two_rows_of_one_seal_that_are_swapped_break_the_chain(own):
    """Whose data were read is exchanged, and each row stays in its place."""
    database, url = own
    await record(database, 1, 2, 3)
    await seal_all(database, 3)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE audit_entry e SET subject_id = o.subject_id FROM audit_entry o"
            " WHERE (e.id, o.id) IN ((1, 2), (2, 1))"
        )
    finally:
        await connection.close()
    assert (await report(database)).broken_at == 1


async def test_the_record_cannot_be_emptied(own):
    _, url = own
    connection = await asyncpg.connect(url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("TRUNCATE audit_entry")
    finally:
        await connection.close()


async def test_every_read_and_write_of_a_person_is_in_their_list(registration):
    person = await registration.register(sender_reference=None)
    path = f"/v1/returnees/{person['id']}"
    await registration.get(f"{path}?purpose=request_of_person")
    await registration.patch(path, {"identity": {"given_names": "Muestra Dos"}}, etag='"1"')
    await registration.post(f"{path}/needs", {"category": "food"})
    await registration.get(f"{path}/needs")
    await registration.post("/v1/returnees/search", {"case_code": person["case_code"]})
    log = (await registration.get(f"{path}/access-log?limit=3")).json()
    rest = (await registration.get(f"{path}/access-log?limit=200&after={log['next']}")).status_code
    assert rest == 200
    entries = (await registration.get(f"{path}/access-log")).json()["items"]
    assert [(entry["action"], entry["kind"]) for entry in reversed(entries)] == [
        ("returnee.register", "write"),
        ("returnee.read", "read"),
        ("returnee.correct", "write"),
        ("need.report", "write"),
        ("need.read", "read"),
        ("returnee.search", "read"),
        ("access_log.read", "read"),
        ("access_log.read", "read"),
    ]
    assert entries[-2]["purpose"] == "request_of_person"
    assert entries[-3]["fields"] == ["given_names"], "which fields, never what they say"


READER = Actor("clerk", "console", acting_as=("desk:conamigua", "role:reception_clerk"))


async def record_of_reader(database, number):
    async with database.transaction() as session:
        await actions.record(session, READER, [an_access(number)])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET acting_as = ARRAY['role:somebody'] WHERE id = 2",
        "UPDATE audit_entry SET acting_as = NULL WHERE id = 2",
        "UPDATE audit_entry SET acting_as = ARRAY['role:somebody'] WHERE id = 1",
    ],
    ids=["another role", "no role", "a role in an entry without one"],
)
async def test_whoever_changes_in_which_role_somebody_read_breaks_the_chain(own, change):
    database, url = own
    await record(database, 1)
    await record_of_reader(database, 2)
    await seal_all(database, 2)
    assert (await report(database)).broken_at is None
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(change)
    await connection.close()
    assert (await report(database)).broken_at == 1


async def test_entries_that_were_sealed_before_roles_were_recorded_keep_their_hash(own):
    database, _ = own
    older = replace(AUDIT, covered_later=())
    await record(database, 1, 2)
    async with asyncio.timeout(300):
        while not await seal_once(database, older):
            pass
    await record_of_reader(database, 3)
    await seal_all(database, 1)
    found = await report(database)
    assert (found.broken_at, found.seals_count, found.unsealed_count) == (None, 2, 0)


async def test_the_list_of_a_person_says_in_which_role_and_for_which_desk_somebody_read(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}"
    reader = {"roles": ["reception_clerk", "no code {"], "desks": ["conamigua"]}
    await registration.get(path, **reader)
    entries = (await registration.get(f"{path}/access-log")).json()["items"]
    read, registered = (
        next(one for one in entries if one["kind"] == kind and one["action"].startswith("returnee."))
        for kind in ("read", "write")
    )
    assert read["acting_as"] == ["desk:conamigua", "role:reception_clerk"]
    assert registered["acting_as"] == [], "this token had neither"
