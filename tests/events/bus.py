"""A small bus for one test: a topic, a database with the event tables, two event types and a table of effects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.consumer import Consumer
from libs.events.event import Event, Received
from libs.events.postgres import raw
from libs.events.processes.ending import end
from libs.events.relay import Relay
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic

T = TypeVar("T")
STOPPED_SECONDS = 30
EFFECTS = "CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text, type text, number int)"


class Counted(Event):
    """A number under a key."""

    type: ClassVar[str] = "thing.counted.v1"
    topic: ClassVar[str] = "replaced"
    key_field: ClassVar[str] = "name"

    name: str
    number: int


class Renamed(Event):
    """Another type of the same keys."""

    type: ClassVar[str] = "thing.renamed.v1"
    topic: ClassVar[str] = "replaced"
    key_field: ClassVar[str] = "name"

    name: str
    number: int


@dataclass
class Bus:
    """What a test needs; `counted` and `renamed` are event types of this test's own topic."""

    dsn: str
    bootstrap: str
    topic: Topic
    database: Database
    group: str = field(default_factory=lambda: f"group-{uuid4()}")

    def __post_init__(self) -> None:
        self.counted: type[Counted] = type("Counted", (Counted,), {"topic": self.topic.name})
        self.renamed: type[Renamed] = type("Renamed", (Renamed,), {"topic": self.topic.name})
        self.calls: list[tuple[str, list[tuple[str, int]]]] = []

    async def append(self, *events: Event, traceparents: Sequence[str | None] | None = None) -> None:
        """Commit these events to the outbox."""
        async with self.database.transaction() as session:
            await outbox.append(session, events, traceparents=traceparents)

    def subscriptions(self, *, poison: Callable[[Event], bool] = lambda _: False) -> Subscriptions:
        """Handlers that write one effect per event and fail for `poison`."""
        subscriptions = Subscriptions(self.group)

        def handler(model: type[Event]) -> None:
            @subscriptions.on(model)
            async def write(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
                self.calls.append((model.type, [(received.key, received.event.number) for received in batch]))
                await record_effects(session, batch)
                if any(poison(received.event) for received in batch):
                    raise ValueError("a handler that fails for this event")

        handler(self.counted)
        handler(self.renamed)
        return subscriptions

    def consumer(self, subscriptions: Subscriptions | None = None, **options: Any) -> Consumer:
        """A consumer of this bus."""
        options.setdefault("transaction", self.database.transaction)
        options.setdefault("topics", {self.topic.name: self.topic})
        options.setdefault("digest", digest)
        return Consumer(self.bootstrap, subscriptions or self.subscriptions(), **options)

    def relay(self, **options: Any) -> Relay:
        """A relay of this bus's database."""
        options.setdefault("topics", {self.topic.name: self.topic})
        return Relay(self.dsn, self.bootstrap, source="urn:test:bus", **options)

    async def effects(self) -> list[tuple[str, str, int]]:
        """Key, type and number of every effect, in the order in which they were written."""
        return [tuple(row) for row in await self.fetch("SELECT key, type, number FROM effect ORDER BY id")]

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        """Rows of a query."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def records(self) -> list[Any]:
        """Every record of the topic, partition by partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            names = [TopicPartition(self.topic.name, number) for number in range(self.topic.partitions)]
            consumer.assign(names)
            await consumer.seek_to_beginning(*names)
            ends = await consumer.end_offsets(names)
            found: list[Any] = []
            while any([await consumer.position(name) < ends[name] for name in names]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found.extend(records)
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[AIOKafkaProducer]:
        """A plain producer, as a foreign sender has it."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


async def record_effects(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    """One row per event."""
    await (await raw(session)).execute(
        "INSERT INTO effect (key, type, number) SELECT * FROM unnest($1::text[], $2::text[], $3::int[])",
        [received.key for received in batch],
        [received.event.type for received in batch],
        [received.event.number for received in batch],
    )


@asynccontextmanager
async def running(*loops: Relay | Consumer) -> AsyncIterator[asyncio.Event]:
    """Run relays and consumers until the block ends; none may have ended before."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield stop
        assert not any(task.done() for task in tasks) or stop.is_set()
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=STOPPED_SECONDS)
        # Not `wait_for`: that waits without a limit for what swallows its cancellation.
        await end(*late, again_seconds=1.0)
        assert not late, f"still running {STOPPED_SECONDS} s after the stop"
        await asyncio.gather(*tasks)


async def until(condition: Callable[[], Awaitable[T]], *, seconds: float = 300) -> T:
    """Poll `condition` until it is true; fails after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    found = await condition()
    while not found:
        assert asyncio.get_running_loop().time() < deadline, f"still not so after {seconds} s"
        await asyncio.sleep(0.02)
        found = await condition()
    return found


def digest(content: bytes) -> bytes:
    """By what a consumer of the bus keeps ids of a topic with identity data."""
    return blake2b(content, key=b"of the bus", digest_size=16).digest()


def event_digest() -> Callable[[bytes], bytes]:
    """The same, for commands that ask a service for it."""
    return digest


def event_headers(type_: str, id_: str | None = None, **others: str) -> list[tuple[str, bytes]]:
    """CloudEvents headers of a foreign producer."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": id_ or str(uuid4()),
        "ce_source": "urn:test:foreign",
        "ce_type": type_,
        "ce_time": "2026-11-01T10:00:00+00:00",
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in (attributes | others).items()]


def database_for(dsn: str, *, pool_size: int = 5) -> Database:
    """A pool as services have it."""
    return Database(dsn, clock=Clock(), application_name="test-events", pool_size=pool_size)
