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


@pytest.fixture(scope="session")
def event_database(postgres_server: PostgresForTests) -> Callable[[], str]:
    """`event_database()` gives the URL of a fresh database with the event tables and a table of effects."""
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
    return lambda: postgres_server.new_database("events", template=template.rsplit("/", 1)[1])


@pytest.fixture
async def make_bus(
    event_database: Callable[[], str], kafka_bootstrap: str
) -> AsyncIterator[Callable[..., Awaitable[Bus]]]:
    """`await make_bus(partitions=3, compacted=True)` gives a bus whose topic is like that."""
    made: list[Bus] = []

    async def make(**settings: Any) -> Bus:
        topic = Topic(f"test-{uuid4()}", **{"partitions": 3} | settings)
        await ensure_topics(kafka_bootstrap, [topic])
        dsn = event_database()
        bus = Bus(dsn, kafka_bootstrap, topic, database_for(dsn))
        made.append(bus)
        return bus

    yield make
    for bus in made:
        await bus.database.close()


@pytest.fixture
async def bus(make_bus: Callable[..., Awaitable[Bus]]) -> Bus:
    """A bus with a plain topic of three partitions."""
    return await make_bus()
