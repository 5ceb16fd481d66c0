"""The consumer: each event's effects once, whatever is repeated, killed, paused or handed to another member."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.events.bus import Bus, database_for, event_headers, running, until
from tests.events.failures.observing import committed_in_kafka, effects, position

Make = Callable[..., Awaitable[Bus]]


async def send(bus: Bus, *numbers: int, key: str = "a", ids: bool = False, partition: int | None = 0) -> None:
    """Send counted events as a foreign producer; with `ids`, equal numbers are copies of one event."""
    async with bus.producer() as producer:
        for number in numbers:
            headers = event_headers(bus.counted.type, f"id-{number}" if ids else None)
            value = bus.counted(name=key, number=number).model_dump_json().encode()
            await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers, partition=partition)


async def test_a_repeated_event_has_its_effects_once(bus: Bus) -> None:
    """Within one batch and over two. Without the inbox the copies have effects too."""
    await send(bus, 1, 1, 2, ids=True)
    async with running(bus.consumer()):
        await until(position(bus, 3))
        await send(bus, 2, 3, 1, ids=True)
        await until(position(bus, 6))
    assert [number for _, _, number in await bus.effects()] == [1, 2, 3]


async def test_pitfall_11_a_new_group_begins_with_the_oldest_record(bus: Bus) -> None:
    """With the end of the log for its beginning in `admit` the records that were there before are never handled.

    What aiokafka does without a position (`auto_offset_reset`) is no matter: nothing is handled before the seek.
    """
    await send(bus, *range(10))
    async with running(bus.consumer()):
        await until(effects(bus, 10))


async def test_types_that_nobody_handles_are_passed_over(bus: Bus) -> None:
    async with bus.producer() as producer:
        await producer.send_and_wait(bus.topic.name, b"\xff", headers=event_headers("other.v1"), partition=0)
    await send(bus, 7)
    async with running(bus.consumer()):
        await until(position(bus, 2))
    assert await bus.effects() == [("a", "thing.counted.v1", 7)]
    assert await bus.fetch("SELECT 1 FROM parked") == []


async def test_handlers_are_called_in_waves_that_keep_the_order_of_each_key_across_types(bus: Bus) -> None:
    for number in range(3):
        await bus.append(*(bus.counted(name=f"k{key}", number=number) for key in range(20)))
        await bus.append(*(bus.renamed(name=f"k{key}", number=number) for key in range(20)))
    async with running(bus.relay()):
        await until(_published(bus, 120))
    async with running(bus.consumer()):
        await until(effects(bus, 120))
    for key in range(20):
        mine = [(type_, number) for name, type_, number in await bus.effects() if name == f"k{key}"]
        assert mine == [(type_, number) for number in range(3) for type_ in ("thing.counted.v1", "thing.renamed.v1")]
    assert len(bus.calls) < 60


async def commit_in_kafka(bus: Bus, offset: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.bootstrap, group_id=bus.group, enable_auto_commit=False)
    name = TopicPartition(bus.topic.name, 0)
    consumer.assign([name])
    await consumer.start()
    try:
        await consumer.commit({name: offset})
    finally:
        await consumer.stop()


async def test_kafka_is_told_the_positions_for_tools_that_show_lag(bus: Bus) -> None:
    await send(bus, *range(5))
    async with running(bus.consumer()):

        async def told() -> bool:
            rows = await bus.fetch("SELECT 1 FROM consumer_position WHERE next_offset = 5")
            return bool(rows) and await committed_in_kafka(bus) == 5

        await until(told)


async def test_trap_seek_is_no_barrier_so_nothing_is_handled_before_postgresqls_position(make_bus: Make) -> None:
    """aiokafka hands out records from Kafka's committed offset while the seek is under way.

    On a compacted topic the fence lets gaps pass. Two guards each suffice: `Partition.take_in` takes nothing of a
    partition that isn't admitted, and `Partition.admit` clears the buffer. Without both the records from 6 on are
    handled before those from 2 on.
    """
    bus = await make_bus(partitions=1, compacted=True)
    await send(bus, 0, 1)
    async with running(bus.consumer()):
        await until(position(bus, 2))
    await send(bus, *range(2, 10))
    await commit_in_kafka(bus, 6)

    @asynccontextmanager
    async def slow() -> AsyncIterator[AsyncSession]:
        await asyncio.sleep(0.5)
        async with bus.database.transaction() as session:
            yield session

    async with running(bus.consumer(transaction=slow)):
        await until(position(bus, 10))
    assert [number for _, _, number in await bus.effects()] == list(range(10))


async def test_two_members_share_the_partitions_and_a_rebalance_repeats_nothing(make_bus: Make) -> None:
    bus = await make_bus(partitions=6)
    second_database = database_for(bus.dsn)
    total = 1200

    async def load() -> None:
        for start_number in range(0, total, 40):
            await bus.append(
                *(
                    bus.counted(name=f"k{number % 30}", number=number // 30)
                    for number in range(start_number, start_number + 40)
                )
            )
            await asyncio.sleep(0.1)

    async with running(bus.relay(), bus.consumer()):
        loading = asyncio.create_task(load())
        await until(effects(bus, 200))
        second = bus.consumer(transaction=second_database.transaction)
        async with running(second):

            async def shared() -> bool:
                return second._membership is not None and len(second._membership.partitions) == 3

            await until(shared)
            await until(effects(bus, 700))
        await loading
        await until(effects(bus, total))
    await second_database.close()
    found = await bus.effects()
    assert len(found) == total
    for key in range(30):
        assert [number for name, _, number in found if name == f"k{key}"] == list(range(total // 30))


async def test_the_members_readiness_is_told(bus: Bus) -> None:
    consumer = bus.consumer()
    assert consumer.why_unready() == "not started"
    async with running(consumer):

        async def ready() -> bool:
            return consumer.why_unready() is None

        await until(ready)


def _published(bus: Bus, count: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return len(await bus.fetch("SELECT 1 FROM outbox_sent")) >= count

    return condition
