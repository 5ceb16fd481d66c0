"""What the event path asks of PostgreSQL: exact counts of statements, and plans that don't grow with what is stored.

On a server of its own, with `pg_stat_statements`, which counts every statement that a client sends, BEGIN and COMMIT
included. A batch costs at most six and one more per table that it writes, however many events it holds.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.local.infra import start_postgres
from deploy.local.processes import Family
from libs.chassis.database import Database
from libs.events import delivery, outbox, relay, retention
from libs.events.batch import Part
from libs.events.delivery import Delivery
from libs.events.event import Event, Received
from libs.events.kafka import Record
from libs.events.lanes import Lane
from libs.events.partitions import Partition
from libs.events.publishing import Outcome
from libs.events.subscriptions import Subscriptions
from libs.events.tables import create_tables
from libs.events.topics import TOPICS, Topic
from services.referral.app import subscriptions as of_referral
from tests.events.bus import EFFECTS, Counted, database_for, event_headers, record_effects
from tests.infra import PostgresForTests, apart
from tests.service.referral import making
from tests.unit.referral.making_facts import a_policy

SIZES = (1, 100, 1_000)
OWN_STATEMENTS_MAX = 6
"""BEGIN, the clock, the fence, the inbox, COMMIT, and one to spare."""


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresForTests]:
    """A server that counts statements."""
    family = Family()
    try:
        settings = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "top"}
        server = asyncio.run(start_postgres(tmp_path_factory.mktemp("counting"), family=family, settings=settings))
        made = PostgresForTests(server.url())
        made.execute("CREATE EXTENSION pg_stat_statements")
        yield made
        made.drop_all()
    finally:
        family.close()


@pytest.fixture
def bus_database(counting: PostgresForTests) -> str:
    """The URL of a database with the event tables and a table of effects."""
    url = counting.new_database("statements")
    statements: list[str] = [EFFECTS]

    class Recorder:
        def execute(self, sqltext: str) -> None:
            statements.append(sqltext)

    create_tables(Recorder())

    async def make() -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    apart(make())
    return url


class Counter:
    """Statements of one database since `begin`."""

    def __init__(self, server: PostgresForTests, url: str) -> None:
        self._url = server.url
        self._database = url.rsplit("/", 1)[1]

    async def begin(self) -> None:
        """Forget what was."""
        await self._ask("SELECT pg_stat_statements_reset()")

    async def calls(self) -> dict[str, int]:
        """How often each was sent, by its text on one line."""
        rows = await self._ask(
            "SELECT query, sum(calls)::int AS calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = $1 AND s.toplevel GROUP BY query",
            self._database,
        )
        return {" ".join(row["query"].split()): row["calls"] for row in rows}

    async def _ask(self, query: str, *arguments: object) -> list[Any]:
        connection = await asyncpg.connect(self._url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()


class Handled:
    """A lane that gets batches by hand: just what it does with PostgreSQL, without Kafka's timing."""

    def __init__(self, topic: Topic, subscriptions: Subscriptions, database: Database) -> None:
        self.partition = Partition(topic, 0)
        self.partition.admit(0, last_event_id=None)
        self._database = database
        self._group = subscriptions.group
        self._lane = Lane(
            topic,
            subscriptions=subscriptions,
            delivery=Delivery(subscriptions, seal=None),
            transaction=database.transaction,
            slots=asyncio.Semaphore(1),
        )

    async def begin(self) -> None:
        """Make the position."""
        async with self._database.transaction() as session:
            await (await outbox.raw(session)).execute(
                "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset) VALUES ($1, $2, 0, 0)",
                self._group,
                self.partition.tp.topic,
            )

    async def batch(self, events: Sequence[Event]) -> None:
        """Handle these in one batch; it must have committed."""
        first = self.partition.next_offset
        records = [_record(event, first + number) for number, event in enumerate(events)]
        await self._lane._settle([Part(self.partition, records)])
        assert self.partition.next_offset == first + len(events)


def _record(event: Event, offset: int) -> Record:
    headers = tuple(event_headers(event.type, ce_time=datetime.now(UTC).isoformat()))
    value = event.model_dump_json().encode()
    key = event.key.encode()
    now_ms = int(time.time() * 1000)
    return Record(event.topic, 0, offset, now_ms, 0, key, value, None, len(key), len(value), headers)


@pytest.fixture
async def pool(bus_database: str) -> AsyncIterator[Database]:
    database = database_for(bus_database)
    yield database
    await database.close()


TOPIC = Topic("statements", partitions=1)
Numbered: type[Counted] = type("Numbered", (Counted,), {"topic": TOPIC.name})


def passing_on() -> Subscriptions:
    """One handler that writes one table, and appends an event for each that it gets."""
    subscriptions = Subscriptions("statements")

    @subscriptions.on(Numbered)
    async def pass_on(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        await record_effects(session, batch)
        await outbox.append(session, [received.event for received in batch])

    return subscriptions


async def test_a_batch_costs_six_statements_and_one_per_table_however_large_it_is(
    counting: PostgresForTests, bus_database: str, pool: Database
) -> None:
    """An ORM `add` per event, or an outbox row written when it is appended, fails at the second size."""
    handled = Handled(TOPIC, passing_on(), pool)
    await handled.begin()
    await handled.batch([Numbered(name="warm", number=0)])
    counter = Counter(counting, bus_database)
    found = []
    for size in SIZES:
        await counter.begin()
        await handled.batch([Numbered(name=f"k{number % 7}", number=number) for number in range(size)])
        found.append(await counter.calls())
    assert found[0] == found[1] == found[2], found
    tables = [statement for statement in found[0] if "INSERT INTO effect" in statement or "INTO outbox" in statement]
    assert len(tables) == 2
    own = sum(found[0].values()) - len(tables)
    assert own == 5, found[0]
    assert own <= OWN_STATEMENTS_MAX
    assert found[0]["BEGIN"] == found[0]["COMMIT"] == 1


async def test_duplicates_cost_no_statement_more(counting: PostgresForTests, bus_database: str, pool: Database) -> None:
    handled = Handled(TOPIC, passing_on(), pool)
    await handled.begin()
    events = [Numbered(name="a", number=number) for number in range(20)]
    counter = Counter(counting, bus_database)
    first = [_record(event, number) for number, event in enumerate(events)]
    await handled._lane._settle([Part(handled.partition, first)])
    again = [record.__class__(**{**_fields(record), "offset": record.offset + 20}) for record in first]
    await counter.begin()
    await handled._lane._settle([Part(handled.partition, again)])
    assert sum((await counter.calls()).values()) == 5


def _fields(record: Record) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


async def test_a_round_of_the_relay_is_two_statements_however_many_events_leave(
    counting: PostgresForTests, bus_database: str, pool: Database
) -> None:
    """A DELETE per row fails at the second size. Read; retire and archive, which commits by itself."""
    one = relay.Relay(bus_database, "nowhere:9092", source="urn:test", topics={TOPIC.name: TOPIC})
    counter = Counter(counting, bus_database)
    connection = await asyncpg.connect(bus_database)
    found = []
    for size in (2, *SIZES):  # asyncpg looks array types up at their first use
        async with pool.transaction() as session:
            await outbox.append(session, [Numbered(name="a", number=number) for number in range(size)])
        await counter.begin()
        rows = await one._read(connection)
        outcome = Outcome()
        outcome.acknowledge(rows, 0, 0)
        await one._retire(connection, 0, outcome)
        found.append(await counter.calls())
        assert len(outcome.acked_ids) == size
    await connection.close()
    assert found[1] == found[2] == found[3], found
    assert sum(found[1].values()) == 2


async def test_referral_takes_a_flights_events_in_as_many_statements_as_one_persons(
    counting: PostgresForTests,
) -> None:
    """A real service's handlers: profiles, consent, needs with their referrals, clocks and events."""
    url = counting.migrated("referral")
    database = database_for(url)
    handled = Handled(TOPICS["enlace.registration"], of_referral(a_policy()), database)
    await handled.begin()
    await handled.batch(_of_people(2))
    counter = Counter(counting, url)
    found = []
    for size in (1, 100, 330):
        await counter.begin()
        await handled.batch(_of_people(size))
        found.append(await counter.calls())
    await database.close()
    assert found[0] == found[1] == found[2], _differences(found)
    assert found[0]["BEGIN"] == found[0]["COMMIT"] == 1


def _of_people(count: int) -> list[Event]:
    returnees = [uuid4() for _ in range(count)]
    events: list[Event] = []
    for returnee in returnees:
        events += [making.registered(returnee), making.consent(returnee), _need(returnee)]
    return events


def _need(returnee: UUID) -> Event:
    return making.need(returnee)


def _differences(found: Sequence[Mapping[str, int]]) -> list[str]:
    every = {statement for calls in found for statement in calls}
    return [
        f"{[calls.get(statement, 0) for calls in found]} {statement[:150]}"
        for statement in every
        if len({calls.get(statement, 0) for calls in found}) > 1
    ]


FILLED = 30_000
DAYS = 6


@pytest.fixture
async def filled(bus_database: str) -> AsyncIterator[Any]:
    """A connection to a database with six days of archive and inbox, analysed as autovacuum would."""
    connection = await asyncpg.connect(bus_database)
    today = datetime.now(UTC).date()
    for table in retention.TABLES:
        for back in range(DAYS):
            await retention._make(connection, table, today - timedelta(days=back))
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
    yield connection
    await connection.close()


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
    claim = await plan(filled, delivery._CLAIM, "g", ["s"] * 3, [str(uuid4()) for _ in range(3)], [day] * 3)
    assert not {table for _, table in relations_read(claim) if table.startswith(("inbox", "outbox_sent"))}
    conflicts = [node for node in nodes(claim) if node.get("Conflict Resolution") == "NOTHING"]
    assert conflicts
    assert conflicts[0]["Conflicting Tuples"] == 0
    ids = [row["id"] for row in await filled.fetch("SELECT id FROM outbox")]
    retire = await plan(filled, relay._RETIRE, 0, ids, [0], [0], ids[0], ids[-1])
    assert not {table for _, table in relations_read(retire) if table.startswith(("inbox", "outbox_sent"))}
    for statement, arguments in (
        (relay._READ, (5_000,)),
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
    counted = await filled.fetchrow(delivery._CLAIM, "g", ["s"] * 3, known, [day] * 3)
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
