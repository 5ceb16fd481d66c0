"""Fixtures of the event bus: a database with its tables, a topic of its own for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from libs.events.tables import create_tables
from libs.events.topics import Topic, ensure_topics
from tests.events.bus import EFFECTS, Bus, database_for
from tests.infra import PostgresForTests, apart


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "kafka_bootstrap" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def event_databases(postgres_server: PostgresForTests) -> Databases:
    """`take()` gives the URL of a database with the event tables and a table of effects."""
    template = postgres_server.new_database("events_template")
    statements: list[str] = [EFFECTS]

    class Recorder:
        def execute(self, sqltext: str) -> None:
            statements.append(sqltext)

    create_tables(Recorder())

    async def make() -> None:
        connection = await asyncpg.connect(template)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    apart(make())
    return Databases(lambda: postgres_server.new_database("events", template=template.rsplit("/", 1)[1]))


class Databases:
    """Databases of one template, emptied and used again: making and dropping one for every test takes a second."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._free: list[str] = []

    def take(self) -> str:
        """The URL of an empty one."""
        return self._free.pop() if self._free else self._make()

    async def give_back(self, url: str) -> None:
        """Empty it for the next test."""
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                "TRUNCATE outbox, outbox_sent, inbox, consumer_position, parked, parked_key, operator_action, effect;"
                " UPDATE outbox_leader SET epoch = 0, owner = NULL, held_since = NULL, held_by = NULL;"
                " DROP TABLE IF EXISTS thing, journey"
            )
        finally:
            await connection.close()
        self._free.append(url)


@pytest.fixture
async def make_bus(event_databases: Databases, kafka_bootstrap: str) -> AsyncIterator[Callable[..., Awaitable[Bus]]]:
    """`await make_bus(partitions=3, compacted=True)` gives a bus whose topic is like that."""
    made: list[Bus] = []

    async def make(**settings: Any) -> Bus:
        topic = Topic(f"test-{uuid4()}", **{"partitions": 3} | settings)
        await ensure_topics(kafka_bootstrap, [topic])
        dsn = event_databases.take()
        bus = Bus(dsn, kafka_bootstrap, topic, database_for(dsn))
        made.append(bus)
        return bus

    yield make
    for bus in made:
        await bus.database.close()
        await event_databases.give_back(bus.dsn)


@pytest.fixture
async def bus(make_bus: Callable[..., Awaitable[Bus]]) -> Bus:
    """A bus with a plain topic of three partitions."""
    return await make_bus()
