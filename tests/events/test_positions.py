"""A person moves positions: to the ends, to an offset, to where the last event is now; the worker follows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from libs.events.audit import Hand, RefusedError
from libs.events.consumer import Consumer
from libs.events.consuming import membership
from libs.events.operating.logs import reading
from libs.events.operating.positions import Move, Target, positions, reset
from tests.events.bus import Bus, event_headers, running, until

Make = Callable[..., Awaitable[Bus]]
ANA = Hand("ana", "a test")


@pytest.fixture
async def bus(make_bus: Make) -> Bus:
    return await make_bus(partitions=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members look after their partitions more often."""
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.2)


async def send(bus: Bus, *numbers: int, same_key: bool = True) -> None:
    async with bus.producer() as producer:
        for number in numbers:
            key = "a" if same_key else f"k{number}"
            value = bus.counted(name=key, number=number).model_dump_json().encode()
            headers = event_headers(bus.counted.type)
            await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers)


async def move(bus: Bus, place: Target, **options: Any) -> list[Move]:
    """Move the positions of this bus's group."""
    options = {"partition": None, "by": ANA} | options
    connection = await asyncpg.connect(bus.dsn)
    try:
        async with reading(bus.bootstrap) as logs:
            return await reset(connection, logs, group=bus.group, topic=bus.topic.name, target=place, **options)
    finally:
        await connection.close()


def handled(bus: Bus, *numbers: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return [number for _, _, number in await bus.effects()] == list(numbers)

    return condition


async def forget_inbox(bus: Bus) -> None:
    await bus.fetch("DELETE FROM inbox")


async def stand(bus: Bus) -> tuple[int, str | None]:
    (row,) = await bus.fetch("SELECT next_offset, last_event_id FROM consumer_position")
    return row["next_offset"], row["last_event_id"]


async def handle(bus: Bus, *numbers: int) -> None:
    async with running(bus.consumer()):
        await until(handled(bus, *numbers))


@pytest.mark.parametrize("settings", [{}, {"compacted": True}, {"foreign": True}])
async def test_a_worker_that_runs_follows_a_position_that_was_moved_back_and_goes_on(
    make_bus: Make, settings: dict[str, bool]
) -> None:
    """With the fence `next_offset <= first` where gaps are allowed, a batch that comes at the same moment undoes the
    move; without `oversight.moved_by_hand` an idle worker doesn't notice it."""
    bus = await make_bus(partitions=1, **settings)
    await send(bus, 1, 2, 3)
    async with running(bus.consumer()):
        await until(handled(bus, 1, 2, 3))
        await forget_inbox(bus)
        (moved,) = await move(bus, Target.START)
        assert (moved.before, moved.after, moved.again, moved.skipped) == (3, 0, 3, 0)
        await until(handled(bus, 1, 2, 3, 1, 2, 3))
        await send(bus, 4)
        await until(handled(bus, 1, 2, 3, 1, 2, 3, 4))


@pytest.mark.parametrize("settings", [{}, {"compacted": True}])
async def test_the_fence_sees_a_position_moved_back_while_a_batch_is_in_hand(
    make_bus: Make, settings: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the fence `next_offset <= first` where gaps are allowed, the batch moves the position on past the move."""
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 60.0)  # only the fence notices
    bus = await make_bus(partitions=1, **settings)
    await send(bus, 1, 2)
    async with running(bus.consumer()):
        await until(handled(bus, 1, 2))
        await forget_inbox(bus)
        await move(bus, Target.START)
        await send(bus, 3)
        await until(handled(bus, 1, 2, 1, 2, 3))


async def test_what_is_read_again_is_dropped_by_the_inbox(bus: Bus) -> None:
    await send(bus, 1, 2)
    async with running(bus.consumer()):
        await until(handled(bus, 1, 2))
        await move(bus, Target.START)
        await send(bus, 3)
        await until(handled(bus, 1, 2, 3))
    assert (await stand(bus))[0] == 3


async def test_a_move_that_skips_records_is_refused_unless_that_is_meant(bus: Bus) -> None:
    await send(bus, 1, 2)
    await handle(bus, 1, 2)
    await send(bus, 3, 4, 5)
    before = await stand(bus)
    with pytest.raises(RefusedError, match="3 records would never be processed"):
        await move(bus, Target.END)
    assert await stand(bus) == before
    assert await bus.fetch("SELECT 1 FROM operator_action") == []
    (tried,) = await move(bus, Target.END, dry_run=True)
    assert (tried.after, tried.skipped) == (5, 3)
    assert await stand(bus) == before
    await move(bus, Target.END, may_skip=True)
    await send(bus, 6)
    await handle(bus, 1, 2, 6)
    (row,) = await bus.fetch("SELECT action, operator, reason, subject::text FROM operator_action")
    assert tuple(row)[:3] == ("position.reset", "ana", "a test")
    assert '"before": 2' in row["subject"]
    assert '"skipped": 3' in row["subject"]


async def test_an_offset_must_be_in_the_log_and_is_verified_by_the_event_before_it(bus: Bus) -> None:
    await send(bus, 1, 2, 3)
    await handle(bus, 1, 2, 3)
    with pytest.raises(RefusedError, match="has offsets 0 to 3"):
        await move(bus, Target.OFFSET, partition=0, offset=4)
    identity = (await stand(bus))[1]
    await move(bus, Target.OFFSET, partition=0, offset=1)
    position, verified_by = await stand(bus)
    assert position == 1
    assert verified_by not in (None, identity)
    await move(bus, Target.AFTER_LAST_EVENT)
    assert await stand(bus) == (1, verified_by)
    await bus.fetch("UPDATE consumer_position SET next_offset = 3")
    await move(bus, Target.AFTER_LAST_EVENT)
    assert await stand(bus) == (1, verified_by)
    await bus.fetch("UPDATE consumer_position SET last_event_id = 'another'")
    with pytest.raises(RefusedError, match="does not contain the event that was processed last"):
        await move(bus, Target.AFTER_LAST_EVENT)


async def test_a_position_that_is_not_there_or_whose_topic_is_gone_can_not_be_moved(bus: Bus) -> None:
    with pytest.raises(RefusedError, match="no such position"):
        await move(bus, Target.START)
    await bus.fetch("INSERT INTO consumer_position VALUES ($1, $2, 7, 1)", bus.group, bus.topic.name)
    with pytest.raises(RefusedError, match="no partition 7"):
        await move(bus, Target.START)


async def test_a_stopped_partition_says_so_in_its_row_until_it_goes_on(bus: Bus) -> None:
    """Without `oversight` only the worker's log and readiness know why."""
    await send(bus, *range(12), same_key=False)
    bad = bus.consumer(bus.subscriptions(poison=lambda _: True))
    async with running(bad):
        await until(_told(bus, "10 events in a row failed"))
    connection = await asyncpg.connect(bus.dsn)
    async with reading(bus.bootstrap) as logs:
        (found,) = await positions(connection, logs)
        assert (found.next_offset, found.stopped) == (0, "10 events in a row failed")
        async with running(bus.consumer()):
            await until(_told(bus, None))
        (found,) = await positions(connection, logs)
        assert (found.next_offset, found.stopped) == (12, None)
    await connection.close()


def _told(bus: Bus, words: str | None) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        rows = await bus.fetch("SELECT stopped, next_offset FROM consumer_position")
        if words is None:
            return bool(rows and rows[0]["stopped"] is None and rows[0]["next_offset"] == 12)
        return bool(rows and rows[0]["stopped"] == words)

    return condition


async def test_a_stopped_partition_follows_its_moved_position_at_once(bus: Bus) -> None:
    """Without the comparison with its row it waits until it is tried again by itself."""
    await send(bus, 1, 2)
    await handle(bus, 1, 2)
    await bus.fetch("UPDATE consumer_position SET next_offset = 9")
    consumer: Consumer = bus.consumer()
    async with running(consumer):

        async def stopped() -> bool:
            return "the log was cut" in str(consumer.why_unready())

        await until(stopped)
        await move(bus, Target.END)
        await send(bus, 3)
        await until(handled(bus, 1, 2, 3))
