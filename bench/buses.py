"""The environment for measurements of the event bus alone: separate servers, a database with event tables, a topic."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import asyncpg

from bench.measuring import cpu_seconds
from deploy.local.infra import Servers, start
from deploy.local.processes import Family
from libs.events.event import Event
from libs.events.tables import create_tables
from libs.events.topics import Topic, ensure_topics

EFFECTS = "CREATE TABLE effect (event_number bigint NOT NULL, key text NOT NULL)"


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """Starts PostgreSQL and Kafka for this measurement only, and stops them afterwards."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-bus-") as folder:
            yield await start(Path(folder), family=family)
    finally:
        family.close()


def cpu_of(running: Servers) -> dict[str, float]:
    """The CPU seconds that PostgreSQL and Kafka have used so far."""
    return cpu_seconds({"postgres": running.postgres.child.pid, "kafka": running.kafka.child.pid})


async def new_database(running: Servers) -> str:
    """Creates a database with the event tables and the table `effect`; returns its URL."""
    name = f"bench_{uuid4().hex}"
    statements: list[str] = [f"CREATE DATABASE {name}"]
    await _execute(running.postgres.url(), statements)
    statements = [EFFECTS]

    class Recorder:
        def execute(self, sqltext: str) -> None:
            statements.append(sqltext)

    create_tables(Recorder())
    await _execute(running.postgres.url(name), statements)
    return running.postgres.url(name)


async def _execute(url: str, statements: list[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def new_topic(running: Servers, *, partitions: int = 12) -> Topic:
    """Creates a topic with a new name."""
    topic = Topic(f"bench-{uuid4().hex}", partitions=partitions)
    await ensure_topics(running.kafka.bootstrap_servers, [topic])
    return topic


class Numbered(Event):
    """An event with a key and a number; `numbered` sets its topic."""

    type: ClassVar[str] = "thing.numbered.v1"
    topic: ClassVar[str] = "replaced"
    key_field: ClassVar[str] = "key_name"

    key_name: str
    number: int
    padding: str = ""


def numbered(topic: Topic) -> type[Numbered]:
    """The event type `Numbered` for this topic."""
    return type("Numbered", (Numbered,), {"topic": topic.name})
