"""What the event path asks of PostgreSQL: exact counts of statements, by the server's own book.

On a server of its own, with `pg_stat_statements`, which counts every statement that a client sends, BEGIN and COMMIT
included. A batch costs four and one more per table that it writes, however many events it holds.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.local.infra import start_postgres
from deploy.local.processes import Family
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.event import Event, Received
from libs.events.postgres import Connection
from libs.events.relaying import leadership, reading, retiring
from libs.events.relaying.leadership import Leadership
from libs.events.relaying.publishing import Outcome
from libs.events.relaying.retiring import Unretired
from libs.events.subscriptions import Subscriptions
from libs.events.tables import create_tables
from libs.events.topics import TOPICS, Topic
from services.referral.app import subscriptions as of_referral
from tests.events.bus import EFFECTS, Counted, database_for, record_effects
from tests.events.by_hand import Handled, record_of
from tests.infra import PostgresForTests, apart
from tests.service.referral import making
from tests.unit.referral.making_facts import a_policy

SIZES = (1, 100, 1_000)
OWN_STATEMENTS = 4
"""BEGIN, the clock, the fence with the inbox, COMMIT."""


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


@pytest.fixture
async def pool(bus_database: str) -> AsyncIterator[Database]:
    database = database_for(bus_database)
    yield database
    await database.close()


TOPIC = Topic("statements", partitions=1)
Numbered: type[Counted] = type("Numbered", (Counted,), {"topic": TOPIC.name})


def passing_on() -> Subscriptions:
    """One handler that writes one table, and appends an event for each that it gets, one after the other."""
    subscriptions = Subscriptions("statements")

    @subscriptions.on(Numbered)
    async def pass_on(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        await record_effects(session, batch)
        for received in batch:
            await outbox.append(session, [received.event])

    return subscriptions


async def test_pitfall_14_a_batch_costs_four_statements_and_one_per_table_however_large_it_is(
    counting: PostgresForTests, bus_database: str, pool: Database
) -> None:
    """A statement per event in the handler, or outbox rows written when they are appended, fail at the second size."""
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
    assert own == OWN_STATEMENTS, found[0]
    assert found[0]["BEGIN"] == found[0]["COMMIT"] == 1


async def test_a_batch_without_an_event_for_the_group_costs_no_statement(
    counting: PostgresForTests, bus_database: str, pool: Database
) -> None:
    """Most of what referral tells concerns only some of the other services. Seen to fail with a transaction for each
    batch."""
    handled = Handled(TOPIC, passing_on(), pool)
    await handled.begin()
    await handled.batch([Numbered(name="warm", number=0)])
    counter = Counter(counting, bus_database)
    await counter.begin()
    unwanted: type[Counted] = type("Unwanted", (Numbered,), {"type": "thing.unwanted.v1"})
    for _ in range(3):
        await handled.batch([unwanted(name="a", number=number) for number in range(10)])
    assert await counter.calls() == {}
    await handled.batch([Numbered(name="a", number=0)])
    assert handled.partition.stored_offset == handled.partition.next_offset == 32


async def test_duplicates_cost_no_statement_more(counting: PostgresForTests, bus_database: str, pool: Database) -> None:
    handled = Handled(TOPIC, passing_on(), pool)
    await handled.begin()
    events = [Numbered(name="a", number=number) for number in range(20)]
    counter = Counter(counting, bus_database)
    first = [record_of(event, number) for number, event in enumerate(events)]
    await handled.settle(first)
    await counter.begin()
    await handled.settle([dataclasses.replace(record, offset=record.offset + 20) for record in first])
    assert sum((await counter.calls()).values()) == 4


async def test_a_round_of_the_relay_is_one_statement_and_retiring_many_rounds_is_another(
    counting: PostgresForTests, bus_database: str, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retiring after each round makes more of the first round, a DELETE per row more of the last ones."""
    monkeypatch.setattr(retiring, "RETIRE_SECONDS", 600.0)
    counter = Counter(counting, bus_database)
    found = []
    async with leadership.connected(bus_database) as connection:
        unretired = Unretired(connection, Leadership(connection, 0))
        for size in (2, *SIZES):  # asyncpg looks array types up at their first use
            async with pool.transaction() as session:
                await outbox.append(session, [Numbered(name="a", number=number) for number in range(3 * size)])
            await counter.begin()
            for _ in range(3):
                await _round(connection, unretired, size)
            await unretired.retire()
            found.append(await counter.calls())
    assert found[1] == found[2] == found[3], found
    assert sorted(found[1].values()) == [1, 3], found[1]


async def _round(connection: Connection, unretired: Unretired, size: int) -> None:
    """What the relay asks of PostgreSQL if Kafka acknowledges everything and no limit is reached."""
    rows = await reading.read(connection, size, unretired)
    assert len(rows) == size
    outcome = Outcome()
    outcome.acknowledge(rows, 0, 0)
    unretired.add(outcome)
    await unretired.retire_if_due()


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
        events += [making.registered(returnee), making.consent(returnee), making.need(returnee)]
    return events


def _differences(found: Sequence[Mapping[str, int]]) -> list[str]:
    every = {statement for calls in found for statement in calls}
    return [
        f"{[calls.get(statement, 0) for calls in found]} {statement[:150]}"
        for statement in every
        if len({calls.get(statement, 0) for calls in found}) > 1
    ]
