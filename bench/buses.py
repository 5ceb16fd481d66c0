"""What measurements of the event bus alone run on: servers of their own, a database with the event tables, a topic."""

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
    """PostgreSQL and Kafka of this measurement alone."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-bus-") as folder:
            yield await start(Path(folder), family=family)
    finally:
        family.close()


def cpu_of(running: Servers) -> dict[str, float]:
    """CPU seconds of both servers so far."""
    return cpu_seconds({"postgres": running.postgres.child.pid, "kafka": running.kafka.child.pid})


async def new_database(running: Servers) -> str:
    """The URL of a new database with the event tables and a table of effects."""
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
    """A plain topic of its own."""
    topic = Topic(f"bench-{uuid4().hex}", partitions=partitions)
    await ensure_topics(running.kafka.bootstrap_servers, [topic])
    return topic


class Numbered(Event):
    """A number under a key; the topic is that of `numbered`."""

    type: ClassVar[str] = "thing.numbered.v1"
    topic: ClassVar[str] = "replaced"
    key_field: ClassVar[str] = "key_name"

    key_name: str
    number: int
    padding: str = ""


def numbered(topic: Topic) -> type[Numbered]:
    """That event type on this topic."""
    return type("Numbered", (Numbered,), {"topic": topic.name})
