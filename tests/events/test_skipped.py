"""Records that no handler of a group wants: their position moves without a transaction, and is stored soon after.

Without a store at a stop, at a rebalance, or after a time, tools would show a lag that does not exist.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from libs.events.consuming import lanes
from libs.events.consuming.oversight import moved_by_hand
from tests.events.bus import Bus, event_headers, running, until
from tests.events.by_hand import Handled, record_of
from tests.events.failures.observing import effects, position

Make = Callable[..., Awaitable[Bus]]
LONG_SECONDS = 3_600.0


async def send_unwanted(bus: Bus, count: int, *, partition: int = 0) -> None:
    """Events of a type that this group does not handle."""
    async with bus.producer() as producer:
        for _ in range(count):
            headers = event_headers("other.v1")
            await producer.send_and_wait(bus.topic.name, b"{}", key=b"a", headers=headers, partition=partition)


async def stored(bus: Bus) -> dict[int, int]:
    """The stored positions by partition, of those that have moved."""
    rows = await bus.fetch("SELECT partition, next_offset FROM consumer_position WHERE next_offset > 0")
    return {row["partition"]: row["next_offset"] for row in rows}


async def test_the_position_of_skipped_records_is_stored_after_a_while_without_any_event_to_handle(bus: Bus) -> None:
    """Seen to fail with a lane that stores only when it handles something."""
    await send_unwanted(bus, 3)
    async with running(bus.consumer()):
        await until(position(bus, 3))
        await send_unwanted(bus, 2)
        await until(position(bus, 5))


async def test_a_consumer_that_stops_forgets_no_skipped_record(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with a drain that does not store."""
    monkeypatch.setattr(lanes, "STORE_SKIPPED_SECONDS", LONG_SECONDS)
    await send_unwanted(bus, 3)
    consumer = bus.consumer()
    async with running(consumer):
        await until(_skipped(consumer, 3))
        assert await stored(bus) == {}
    assert await stored(bus) == {0: 3}


async def test_a_rebalance_forgets_no_skipped_record(make_bus: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with a revocation that does not store."""
    monkeypatch.setattr(lanes, "STORE_SKIPPED_SECONDS", LONG_SECONDS)
    bus = await make_bus(partitions=2)
    for number in range(2):
        await send_unwanted(bus, 3, partition=number)
    first = bus.consumer()
    async with running(first):
        await until(_skipped(first, 6))
        assert await stored(bus) == {}
        async with running(bus.consumer()):
            await until(_all_stored(bus, {0: 3, 1: 3}))


async def test_skipped_records_are_stored_with_the_next_event_that_is_handled(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fence expects the stored position, not the first record: between them are the skipped ones."""
    monkeypatch.setattr(lanes, "STORE_SKIPPED_SECONDS", LONG_SECONDS)
    await send_unwanted(bus, 3)
    consumer = bus.consumer()
    async with running(consumer):
        await until(_skipped(consumer, 3))
        async with bus.producer() as producer:
            value = bus.counted(name="a", number=1).model_dump_json().encode()
            headers = event_headers(bus.counted.type)
            await producer.send_and_wait(bus.topic.name, value, key=b"a", headers=headers, partition=0)
        await until(effects(bus, 1))
        assert await stored(bus) == {0: 4}


async def test_a_zombie_that_only_skips_changes_nothing_and_is_fenced_when_it_stores(bus: Bus) -> None:
    """Two processors of the same records: one has handled them, the other one, which began at the same position, has
    only skipped the first of them. Seen to fail with a fence that expects any earlier position."""
    ours, other = (Handled(bus.topic, bus.subscriptions(), bus.database) for _ in range(2))
    await ours.begin()
    unwanted = record_of(bus.counted(name="a", number=1), 0)
    unwanted = _of_type(unwanted, "other.v1")
    wanted = record_of(bus.counted(name="a", number=2), 1)
    await other.settle([unwanted])
    assert (other.partition.stored_offset, other.partition.next_offset) == (0, 1)
    await ours.settle([unwanted, wanted])
    assert await stored(bus) == {0: 2}
    await other.store()
    assert other.partition.phase.value == "assigned", "it begins again at the stored position"
    assert await stored(bus) == {0: 2}
    assert [number for _, _, number in await bus.effects()] == [2]


async def test_a_position_in_memory_is_not_taken_for_one_that_an_operator_has_moved(bus: Bus) -> None:
    """Seen to fail when the rows are compared with the position in memory."""
    handled = Handled(bus.topic, bus.subscriptions(), bus.database)
    await handled.begin()
    await handled.settle([_of_type(record_of(bus.counted(name="a", number=1), 0), "other.v1")])
    of_group: dict[str, Any] = {"group": bus.group, "transaction": bus.database.transaction}
    partitions = {handled.partition.tp: handled.partition}
    assert await moved_by_hand(partitions, **of_group) == []
    await bus.fetch("UPDATE consumer_position SET next_offset = 7 RETURNING 1")
    assert await moved_by_hand(partitions, **of_group) == [handled.partition]


def _of_type(record: Any, type_: str) -> Any:
    headers = tuple((name, type_.encode() if name == "ce_type" else value) for name, value in record.headers)
    return dataclasses.replace(record, headers=headers)


def _skipped(consumer: Any, count: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        await asyncio.sleep(0)
        return sum(partition.next_offset for partition in consumer.backlogs()) == count

    return reached


def _all_stored(bus: Bus, expected: dict[int, int]) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return await stored(bus) == expected

    return reached
