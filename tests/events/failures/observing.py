"""What the tests of failures look at, and how they load a bus."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from libs.events.topics import Topic, ensure_topics
from tests.events.bus import Bus, database_for, event_headers

Condition = Callable[[], Awaitable[bool]]
LONG = os.environ.get("ENLACE_LONG_FAILURES") == "1"
"""Whether what takes minutes by nature lasts as long as it does in life (`make chaos`), not just seconds."""


def lasting(short: float, *, long: float) -> float:
    """For how many seconds something is to be broken."""
    return long if LONG else short


def drained(bus: Bus) -> Condition:
    """Whether the outbox is empty."""

    async def condition() -> bool:
        return not await bus.fetch("SELECT 1 FROM outbox LIMIT 1")

    return condition


def effects(bus: Bus, count: int) -> Condition:
    """Whether there are so many effects, or more."""

    async def condition() -> bool:
        return bool((await bus.fetch("SELECT count(*) AS found FROM effect"))[0]["found"] >= count)

    return condition


def loaded(load: Load, count: float) -> Condition:
    """Whether the load has committed so many events, or more."""

    async def condition() -> bool:
        return load.count >= count

    return condition


def position(bus: Bus, total: int) -> Condition:
    """Whether the group's positions add up to `total`."""

    async def condition() -> bool:
        rows = await bus.fetch("SELECT coalesce(sum(next_offset), 0)::int AS total FROM consumer_position")
        return bool(rows[0]["total"] >= total)

    return condition


def caught_up(bus: Bus) -> Condition:
    """Whether the positions stand at the ends of the log."""

    async def condition() -> bool:
        return await position(bus, await log_size(bus))()

    return condition


async def log_size(bus: Bus) -> int:
    """How many records were ever written to the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(
            [TopicPartition(bus.topic.name, number) for number in range(bus.topic.partitions)]
        )
        return sum(ends.values())
    finally:
        await consumer.stop()


def logged(bus: Bus, count: int) -> Condition:
    """Whether so many records were written to the topic, or more."""

    async def condition() -> bool:
        return await log_size(bus) >= count

    return condition


async def committed_in_kafka(bus: Bus, partition: int = 0) -> int | None:
    """What Kafka has been told of this group's position."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.bootstrap, group_id=bus.group, enable_auto_commit=False)
    await consumer.start()
    try:
        committed: int | None = await consumer.committed(TopicPartition(bus.topic.name, partition))
        return committed
    finally:
        await consumer.stop()


async def sequences(bus: Bus) -> dict[str, list[int]]:
    """For every key the numbers in the log, each at its first occurrence."""
    found: dict[str, list[int]] = {}
    for record in await bus.records():
        number = bus.counted.model_validate_json(record.value).number
        numbers = found.setdefault(record.key.decode(), [])
        if number not in numbers:
            numbers.append(number)
    return found


async def numbers(bus: Bus) -> dict[str, list[int]]:
    """For every key the numbers of its effects, in the order in which they were written."""
    found: dict[str, list[int]] = {}
    for key, _, number in await bus.effects():
        found.setdefault(key, []).append(number)
    return found


async def send(bus: Bus, *numbers: int, key: str = "a", partition: int | None = 0) -> None:
    """Send counted events as a foreign producer."""
    async with bus.producer() as producer:
        for number in numbers:
            value = bus.counted(name=key, number=number).model_dump_json().encode()
            headers = event_headers(bus.counted.type)
            await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers, partition=partition)


@asynccontextmanager
async def bus_on(dsn: str, bootstrap: str, *, partitions: int = 3) -> AsyncIterator[Bus]:
    """A bus on servers that may be broken."""
    topic = Topic(f"test-{uuid4()}", partitions=partitions)
    await ensure_topics(bootstrap, [topic])
    bus = Bus(dsn, bootstrap, topic, database_for(dsn))
    try:
        yield bus
    finally:
        await bus.database.close()


@dataclass
class Load:
    """Commits events in a steady stream, and remembers which were acknowledged; an error is a number tried again.

    A number whose commit failed may have been stored or not, so the next attempt is a new number of the same key.
    """

    bus: Bus
    keys: int = 10
    pause_seconds: float = 0.02
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    failures: int = 0
    _stop: bool = False

    async def run(self) -> None:
        """Until `stop`."""
        number = 0
        while not self._stop:
            events = [self.bus.counted(name=f"k{key}", number=number) for key in range(self.keys)]
            try:
                await self.bus.append(*events)
            except Exception:
                self.failures += 1
            else:
                for event in events:
                    self.acknowledged.setdefault(event.name, []).append(number)
            number += 1
            await asyncio.sleep(self.pause_seconds)

    def stop(self) -> None:
        """Let the stream end."""
        self._stop = True

    @property
    def count(self) -> int:
        """How many events were acknowledged."""
        return sum(len(found) for found in self.acknowledged.values())

    async def check(self) -> None:
        """Nothing acknowledged is lost, nothing is doubled, each key is in order."""
        found = await numbers(self.bus)
        for key, told in self.acknowledged.items():
            mine = found.get(key, [])
            assert mine == sorted(set(mine)), f"{key}: doubled or out of order"
            assert set(told) <= set(mine), f"{key}: lost {sorted(set(told) - set(mine))[:5]}"


@asynccontextmanager
async def loading(bus: Bus, **settings: float) -> AsyncIterator[Load]:
    """A load that runs while the block does."""
    load = Load(bus, **settings)  # type: ignore[arg-type]
    task = asyncio.create_task(load.run())
    try:
        yield load
    finally:
        load.stop()
        await asyncio.wait_for(task, 300)
