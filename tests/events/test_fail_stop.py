"""A log that isn't the one that was handled: the partition stops, says exactly why, and goes on when that is mended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from libs.events import kafka
from libs.events.consumer import Consumer
from libs.events.consuming import membership
from libs.events.topics import Topic, ensure_topics
from tests.events.bus import Bus, event_headers, running, until

Make = Callable[..., Awaitable[Bus]]


@pytest.fixture
async def bus(make_bus: Make) -> Bus:
    return await make_bus(partitions=1)


async def send(bus: Bus, *numbers: int) -> None:
    async with bus.producer() as producer:
        for number in numbers:
            value = bus.counted(name="a", number=number).model_dump_json().encode()
            headers = event_headers(bus.counted.type)
            await producer.send_and_wait(bus.topic.name, value, key=b"a", headers=headers)


async def handle_all(bus: Bus, count: int) -> None:
    async with running(bus.consumer()):

        async def there() -> bool:
            return len(await bus.effects()) == count

        await until(there)


async def recreate(bus: Bus) -> None:
    """The topic is deleted and made again, as after a lost disk."""
    async with kafka.admin(bus.bootstrap) as admin:
        await admin.delete_topics([bus.topic.name])

        async def gone() -> bool:
            return bus.topic.name not in await admin.list_topics()

        await until(gone)
    await ensure_topics(bus.bootstrap, [bus.topic])


def says(consumer: Consumer, words: str) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return words in str(consumer.why_unready())

    return condition


async def test_k2_a_topic_that_was_made_again_and_ends_before_the_position_stops_the_partition(bus: Bus) -> None:
    """With a reset to the earliest record, or none at all, the consumer goes on silently."""
    await send(bus, 1, 2, 3)
    await handle_all(bus, 3)
    await recreate(bus)
    await send(bus, 4)
    consumer = bus.consumer()
    async with running(consumer):
        await until(says(consumer, "partition 0 is stopped: the log was cut: it ends at 1 and position 3"))
    assert len(await bus.effects()) == 3


async def test_k1_a_log_that_was_cut_and_grew_past_the_position_stops_the_partition(bus: Bus) -> None:
    """Without comparing the event before the position, events 4 to 6 of the new log are silently skipped."""
    await send(bus, 1, 2, 3)
    await handle_all(bus, 3)
    await recreate(bus)
    await send(bus, 4, 5, 6, 7)
    consumer = bus.consumer()
    async with running(consumer):
        await until(says(consumer, "the log was cut and grew again: offset 2 holds another event"))
    assert len(await bus.effects()) == 3


async def test_trap_a_position_past_the_end_of_a_log_cut_while_the_consumer_runs_stops_the_partition(bus: Bus) -> None:
    """With `auto_offset_reset="earliest"` aiokafka silently begins again at 0, and the new log's events are handled."""
    await send(bus, 1, 2, 3)
    consumer = bus.consumer()
    async with running(consumer):

        async def there() -> bool:
            return len(await bus.effects()) == 3

        await until(there)
        await recreate(bus)
        await send(bus, 4)
        await until(says(consumer, "is stopped: the log was cut"))
    assert len(await bus.effects()) == 3


async def remove_before(bus: Bus, offset: int) -> None:
    async with kafka.admin(bus.bootstrap) as admin:
        from aiokafka.admin import RecordsToDelete

        await admin.delete_records({TopicPartition(bus.topic.name, 0): RecordsToDelete(offset)})


async def test_c8_records_that_expired_before_they_were_handled_stop_the_partition(bus: Bus) -> None:
    """Without the check the lost records are never missed."""
    await send(bus, 1, 2)
    await handle_all(bus, 2)
    await send(bus, 3, 4, 5)
    await remove_before(bus, 4)
    consumer = bus.consumer()
    async with running(consumer):
        await until(says(consumer, "records 2 to 3 were removed from the log before they were handled"))
    assert len(await bus.effects()) == 2


async def test_a_last_event_that_has_expired_is_no_fault(bus: Bus) -> None:
    await send(bus, 1, 2)
    await handle_all(bus, 2)
    await remove_before(bus, 2)
    await send(bus, 3)
    await handle_all(bus, 3)


async def test_a_stopped_partition_goes_on_when_its_position_is_mended(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "STOPPED_RETRY_SECONDS", 0.5)
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.5)
    await send(bus, 1, 2, 3)
    await handle_all(bus, 3)
    await recreate(bus)
    await send(bus, 4)
    consumer = bus.consumer()
    async with running(consumer):
        await until(says(consumer, "is stopped"))
        async with bus.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE consumer_position SET next_offset = 0, last_event_id = NULL")

        async def there() -> bool:
            return [number for _, _, number in await bus.effects()] == [1, 2, 3, 4]

        await until(there)
        assert consumer.why_unready() is None


async def test_the_other_partitions_go_on(make_bus: Make) -> None:
    """Without the seek of a stopped partition too, aiokafka fetches nothing more from that broker."""
    bus = await make_bus(partitions=2)
    async with bus.producer() as producer:
        for partition in (0, 1):
            value = bus.counted(name=f"k{partition}", number=1).model_dump_json().encode()
            headers = event_headers(bus.counted.type)
            await producer.send_and_wait(bus.topic.name, value, headers=headers, partition=partition)
    await bus.fetch("INSERT INTO consumer_position VALUES ($1, $2, 0, 99)", bus.group, bus.topic.name)
    consumer = bus.consumer()
    async with running(consumer):
        await until(says(consumer, "partition 0 is stopped"))

        async def there() -> bool:
            return len(await bus.effects()) == 1

        await until(there)


@pytest.mark.parametrize(
    ("declared", "words"),
    [({"partitions": 2}, "has 1 partitions, not 2"), ({"compacted": True}, "has cleanup.policy=delete, not compact")],
)
async def test_a_topic_that_is_not_as_declared_is_not_consumed(bus: Bus, declared: dict[str, Any], words: str) -> None:
    topic = Topic(bus.topic.name, **{"partitions": 1} | declared)
    consumer = bus.consumer(topics={topic.name: topic})
    async with running(consumer):
        await until(says(consumer, words))


async def test_a_topic_that_is_made_later_is_consumed_then(bus: Bus) -> None:
    topic = Topic(f"{bus.topic.name}-later", partitions=1)
    bus.topic = topic
    bus.__post_init__()
    consumer = bus.consumer()
    async with running(consumer):
        await until(says(consumer, "is missing"))
        await ensure_topics(bus.bootstrap, [topic])
        await send(bus, 1)

        async def there() -> bool:
            return len(await bus.effects()) == 1

        await until(there)
