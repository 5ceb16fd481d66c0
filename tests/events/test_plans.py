"""Plans of the bus's statements on a database that has seen much: none grows with the archive or the inbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from libs.events import relay, retention
from libs.events.handling import delivery
from libs.events.relaying import leadership, reading, retiring
from libs.events.relaying.publishing import Outcome
from tests.events.conftest import Databases

FILLED = 30_000
DAYS = 6
NO_PARTITION: tuple[Any, ...] = ("g", "t", [], [], [], [])
"""Group, topic and positions of a batch that moves none."""


@pytest.fixture
async def filled(event_databases: Databases) -> AsyncIterator[Any]:
    """A connection to a database with six days of archive and inbox, analysed as autovacuum would.

    It isn't given back: another test would find partitions that it didn't make.
    """
    connection = await asyncpg.connect(event_databases.take())
    try:
        await fill(connection)
        yield connection
    finally:
        await connection.close()


async def fill(connection: Any) -> None:
    """Partitions of the last days, where an earlier user of this database has made none, and rows in each."""
    today = datetime.now(UTC).date()
    for table in retention.TABLES:
        there = {row["name"] for row in await connection.fetch(retention.PARTITIONS, table.name)}
        for day in (today - timedelta(days=back) for back in range(DAYS)):
            if retention.partition_of(table.name, day) not in there:
                await retention._make(connection, table, day)
    await connection.execute(
        "INSERT INTO inbox (consumer_group, source, event_id, day)"
        " SELECT 'g', 's', uuidv7(-make_interval(days => n % $2))::text, current_date - n % $2"
        " FROM generate_series(1, $1) AS n",
        FILLED,
        DAYS,
    )
    await connection.execute(
        "INSERT INTO outbox_sent (id, event_id, topic, key, type, payload, created_at, published_at, partition)"
        " SELECT n, uuidv7(), 't', 'k', 'e', '{}', now(), now() - make_interval(days => n % $2), 0"
        " FROM generate_series(1, $1) AS n",
        FILLED,
        DAYS,
    )
    await connection.execute(
        "INSERT INTO outbox (event_id, topic, key, type, payload) VALUES (uuidv7(), 't', 'k', 'e', '')"
    )
    await connection.execute("ANALYZE")


async def plan(connection: Any, statement: str, *arguments: object) -> dict[str, Any]:
    """The plan as it ran; nothing stays of what it did."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        found = await connection.fetchval(
            f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) {statement}", *arguments
        )
    finally:
        await transaction.rollback()
    made: dict[str, Any] = json.loads(found)[0]["Plan"]
    return made


def nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan and everything below it."""
    yield node
    for below in node.get("Plans", ()):
        yield from nodes(below)


def relations_read(found: Mapping[str, Any]) -> set[tuple[str, str]]:
    """How which table was read."""
    return {
        (node["Node Type"], node["Relation Name"])
        for node in nodes(found)
        if "Relation Name" in node and "Scan" in node["Node Type"]
    }


async def test_no_statement_of_the_bus_reads_the_archive_or_the_inbox_through(filled: Any) -> None:
    """Both only ever grow at the partition of the day: inbox look-ups are by its unique index, which names the day.

    A claim without `day` in the key would have to look into every partition, and couldn't be unique at all.
    """
    day = datetime.now(UTC).date()
    ids = [str(uuid4()) for _ in range(3)]
    claim = await plan(filled, delivery._FENCE_AND_CLAIM, *NO_PARTITION, ["s"] * 3, ids, [day] * 3)
    assert not {table for _, table in relations_read(claim) if table.startswith(("inbox", "outbox_sent"))}
    conflicts = [node for node in nodes(claim) if node.get("Conflict Resolution") == "NOTHING"]
    assert conflicts
    assert conflicts[0]["Conflicting Tuples"] == 0
    ids = [row["id"] for row in await filled.fetch("SELECT id FROM outbox")]
    retire = await plan(filled, retiring._RETIRE, 0, ids, [0], [0], [0.0], ids[0], ids[-1])
    assert not {table for _, table in relations_read(retire) if table.startswith(("inbox", "outbox_sent"))}
    for statement, arguments in (
        (reading._READ, (5_000, [0], [ids[0]], ids[0])),
        (relay._MEASURE, ()),
        (delivery._FENCE, ("g", "t", [0], [0], [1], ["x"])),
    ):
        read = relations_read(await plan(filled, statement, *arguments))
        assert not {table for _, table in read if table.startswith(("inbox", "outbox_sent"))}, statement


async def test_a_repeated_event_is_found_by_the_index_of_its_day_alone(filled: Any) -> None:
    """Blocks read, index included: of 3 events, a few pages of one partition, not of six and no table through."""
    day = datetime.now(UTC).date()
    known = [row["event_id"] for row in await filled.fetch("SELECT event_id FROM inbox WHERE day = $1 LIMIT 3", day)]
    before = await _blocks(filled)
    counted = await filled.fetchrow(delivery._FENCE_AND_CLAIM, *NO_PARTITION, ["s"] * 3, known, [day] * 3)
    assert counted["count"] == 0
    touched = {name: count - before[name] for name, count in (await _blocks(filled)).items() if count > before[name]}
    assert set(touched) == {retention.partition_of("inbox", day)}
    assert touched[retention.partition_of("inbox", day)] <= 30


async def _blocks(connection: Any) -> dict[str, int]:
    """Blocks of each partition of the inbox, and of its index, that were asked for so far."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    rows = await connection.fetch(
        "SELECT relname, heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read AS blocks"
        " FROM pg_statio_user_tables WHERE relname LIKE 'inbox%'"
    )
    return {row["relname"]: row["blocks"] for row in rows}


WAITING = 50_000


async def test_a_read_of_the_relay_touches_only_the_rows_that_it_returns(event_databases: Databases) -> None:
    """Planned while the outbox was empty; then rows wait, and every second one of the first two thousand is sent.

    Without `enable_seqscan` in the settings of the relay's connection, the whole outbox is read and sorted each time.
    With gaps that are no range of the index, acknowledged rows are read too, again in each gap.
    """
    url = event_databases.take()
    acknowledged = list(range(2, 2_001, 2))
    async with leadership.connected(url) as connection:
        await connection.execute("TRUNCATE outbox RESTART IDENTITY")
        await connection.execute("VACUUM outbox")  # as autovacuum does; a table without statistics is taken for larger
        around = ", '{u}', '{t}', '{k1}'"
        for name, statement, blocked in (("read", reading._READ, ""), ("around", reading._READ_AROUND, around)):
            await connection.execute(f"PREPARE {name} AS {statement}")
            await connection.execute(f"EXECUTE {name} (1000, '{{}}', '{{}}', 0{blocked})")
        unretired = retiring.Unretired(connection, leadership.Leadership(connection, 0))
        await connection.execute(
            "INSERT INTO outbox (event_id, topic, key, type, payload)"
            " SELECT uuidv7(), 't', 'k' || n, 'e', '' FROM generate_series(1, $1) AS n",
            WAITING,
        )
        unretired.add(Outcome(acknowledged, [0] * len(acknowledged), [None] * len(acknowledged)))
        gaps = ", ".join(f"'{{{','.join(map(str, bounds))}}}'" for bounds in unretired.gaps()[:2])
        for name, blocked in (("read", ""), ("around", around)):
            found = await plan(connection, f"EXECUTE {name} (1000, {gaps}, {acknowledged[-1]}{blocked})")
            scans = [node for node in nodes(found) if node.get("Relation Name") == "outbox"]
            assert {node["Node Type"] for node in scans} == {"Index Scan"}, name
            assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= 2_001, name
            assert found["Actual Rows"] == 1_000
        await connection.execute("TRUNCATE outbox")
    await event_databases.give_back(url)
