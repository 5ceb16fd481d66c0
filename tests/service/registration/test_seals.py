"""Somebody owns the database of registration and knows the code: what left the database shows what they did."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from libs.chassis.database import raw
from libs.chassis.hash_chain import GENESIS, chain
from libs.chassis.sealed_log import Link, seal_once
from libs.chassis.sealed_log_check import check, link_of
from services.registration.audit import actions
from services.registration.audit.tables import AUDIT
from tests.service.registration.test_audit import own as own_database
from tests.service.registration.test_audit import record, seal_all

own = own_database
KEY = b"the key of the seals, outside the database"


async def seal_and_tell(database, count):
    """Seal as the worker does; what left the database, as an auditor keeps it."""
    async with asyncio.timeout(300):
        sealed = 0
        while sealed < count:
            sealed += await seal_once(database, AUDIT, keys=[KEY], tell=actions.tell_seal) or 0
    async with database.transaction() as session:
        connection = await raw(session)
        rows = await connection.fetch("SELECT payload FROM outbox WHERE type = 'audit.sealed.v1' ORDER BY id")
    return [link_of(json.loads(row["payload"])) for row in rows]


async def against(database, told):
    async with database.transaction() as session:
        return await check(session, AUDIT, keys=[KEY], told=told)


async def rewritten(database, key):
    """What the owner of the database does who knows the code: change a row, then make the whole chain anew."""
    async with database.transaction() as session:
        connection = await raw(session)
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE audit_entry SET who = 'somebody else' WHERE id = 2")
        seals = await connection.fetch("SELECT * FROM audit_seal ORDER BY id")
        await connection.execute("DELETE FROM audit_seal")
        await connection.execute("DELETE FROM outbox")
        previous = GENESIS
        for row in seals:
            entries = await connection.fetch(
                f"SELECT {', '.join(AUDIT.covered)} FROM audit_entry WHERE transaction_id >= $1 AND transaction_id < $2"
                " ORDER BY transaction_id, id",
                row["from_transaction"],
                row["up_to_transaction"],
            )
            values = dict(row) | {"previous_hash": previous, "hash": chain(previous, [tuple(one) for one in entries])}
            link = Link(**{name: values[name] for name in Link.__slots__}).with_mac(key)
            columns = {name: getattr(link, name) for name in Link.__slots__}
            places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
            await connection.execute(
                f"INSERT INTO audit_seal ({', '.join(columns)}) VALUES ({places})", *columns.values()
            )
            previous = link.hash


async def four_seals(database):
    told = []
    for number in range(4):
        await record(database, number)
        told = await seal_and_tell(database, 1)
    report = await against(database, told)
    assert report.is_sound, report
    assert (report.seals_count, report.told_count) == (4, 4)
    return told


async def test_a_chain_that_was_made_anew_without_the_key_is_found_from_the_database_alone(own):
    database, _ = own
    await four_seals(database)
    await rewritten(database, b"a guessed key")
    async with database.transaction() as session:
        report = await check(session, AUDIT, keys=[KEY])
    assert report.broken_at is None, "every hash fits: without a key nobody would notice"
    assert len(report.faults) == 4


async def test_a_chain_that_was_made_anew_even_with_the_key_is_not_the_one_that_was_told(own):
    database, _ = own
    told = await four_seals(database)
    await rewritten(database, KEY)
    report = await against(database, told)
    assert report.broken_at is None
    assert report.faults == [f"seal {number} differs from the published one" for number in (2, 3, 4)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("DELETE FROM audit_entry WHERE id > 2; DELETE FROM audit_seal WHERE id > 2", "seal 3 was published and is"),
        ("DELETE FROM audit_entry; DELETE FROM audit_seal", "seal 1 was published and is missing here"),
        ("DROP TABLE audit_seal", "the table audit_seal is missing"),
        ("DROP TABLE audit_entry", "the table audit_entry is missing"),
        ("UPDATE audit_seal SET mac = NULL", "seal 1 differs from the published one"),
        (
            "UPDATE audit_seal SET mac = decode(repeat('00', 32), 'hex') WHERE id = 4",
            "seal 4 was not made with the key",
        ),
        ("UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE id = 4", "seal 4 was not made with the"),
    ],
)
async def test_what_left_the_database_shows_a_cut_end_a_lost_table_and_a_seal_without_its_key(own, change, fault):
    database, url = own
    told = await four_seals(database)
    connection = await asyncpg.connect(url)
    await connection.execute(f"SET session_replication_role = replica; {change}")
    await connection.close()
    report = await against(database, told)
    assert not report.is_sound
    assert any(one.startswith(fault) for one in report.faults), report.faults


async def test_a_row_put_in_between_breaks_the_chain(own):
    database, url = own
    told = await four_seals(database)
    columns = ", ".join(name for name in AUDIT.covered if name != "id")
    connection = await asyncpg.connect(url)
    await connection.execute(f"INSERT INTO audit_entry ({columns}) SELECT {columns} FROM audit_entry WHERE id = 2")
    await connection.close()
    assert (await against(database, told)).broken_at == 2


async def test_a_seal_that_never_left_the_database_is_told_of(own):
    database, _ = own
    told = await four_seals(database)
    assert (await against(database, told[:3])).is_sound, "it has just been made"
    await record(database, 5)
    async with asyncio.timeout(300):
        while not await seal_once(database, AUDIT, sealed_at=datetime.now(UTC) - timedelta(hours=2), keys=[KEY]):
            pass
    assert (await against(database, told)).faults == ["seal 5 was never published"]


async def test_a_seal_told_in_two_forms_is_found(own):
    database, _ = own
    told = await four_seals(database)
    report = await against(database, [*told, replace(told[1], hash=bytes(32))])
    assert report.faults == ["seal 2 was published in two forms"]
    assert (await against(database, [*told, told[1]])).is_sound, "Kafka may deliver one twice"


async def test_seals_of_an_older_version_without_a_key_stand(own):
    database, _ = own
    await record(database, 1)
    await seal_all(database, 1)
    await record(database, 2)
    told = await seal_and_tell(database, 1)
    report = await against(database, told)
    assert report.is_sound, report
    assert (report.seals_count, report.told_count) == (2, 1)


async def test_sealing_that_stalls_is_told_as_an_error(own, caplog):
    database, url = own
    connection = await asyncpg.connect(url)
    waiting = connection.transaction()
    await waiting.start()
    await connection.execute("SELECT pg_current_xact_id()")  # entries after it are not final while it is open
    await record(database, 1)
    assert await seal_once(database, AUDIT, keys=[KEY]) == 0
    assert not [one for one in caplog.records if "stalled" in one.getMessage()]
    other = await asyncpg.connect(url)
    await other.execute("SET session_replication_role = replica; UPDATE audit_entry SET at = at - interval '2 min'")
    await other.close()
    assert await seal_once(database, AUDIT, keys=[KEY]) == 0
    assert [one.levelname for one in caplog.records if "stalled" in one.getMessage()] == ["ERROR"]
    await waiting.rollback()
    await connection.close()
