"""Parked events against what goes on meanwhile: a retry under way, a discard, a log that was lost, the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.audit import Hand
from libs.events.event import Received
from libs.events.handling import limits
from libs.events.operating import unparking
from libs.events.subscriptions import Subscriptions
from tests.events.bus import Bus, record_effects, running, until
from tests.events.test_fail_stop import recreate
from tests.events.test_poison import caught_up, publish

Make = Callable[..., Awaitable[Bus]]
ANA = Hand("ana", "a test")


def parked(bus: Bus, count: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return len(await bus.fetch("SELECT 1 FROM parked")) == count

    return condition


async def retry(bus: Bus) -> None:
    """Ask for a retry of the one key that is parked."""
    connection = await asyncpg.connect(bus.dsn)
    (key,) = await unparking.parked_keys(connection)
    await unparking.ask_for_retry(connection, group=key.group, topic=key.topic, key=key.key, by=ANA)
    await connection.close()


def _someone_waits_for_a_lock(bus: Bus) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return bool(
            await bus.fetch(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    return condition


class Slow:
    """Handlers that fail for number 1 until mended, and then take their time with it."""

    def __init__(self, bus: Bus) -> None:
        self.mended = False
        self.hopeless = -1
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.subscriptions = Subscriptions(bus.group)
        self.subscriptions.on(bus.counted)(self.handle)

    async def handle(self, session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        if any(received.event.number == self.hopeless for received in batch):
            raise ValueError("never")
        if any(received.event.number == 1 for received in batch):
            if not self.mended:
                raise ValueError("not yet")
            self.reached.set()
            await asyncio.wait_for(self.go_on.wait(), 25)  # a test that fails ends too
        await record_effects(session, batch)


async def test_events_that_arrive_while_a_retry_runs_come_after_what_it_drains(bus: Bus) -> None:
    """Without `FOR SHARE` in `parking.still_parked` they are parked anew behind nothing, and wait for ever."""
    slow = Slow(bus)
    await publish(bus, *(bus.counted(name="a", number=number) for number in range(4)))
    async with running(bus.consumer(slow.subscriptions)):
        await until(parked(bus, 3))
        slow.mended = True
        await retry(bus)
        await asyncio.wait_for(slow.reached.wait(), 300)
        await publish(bus, *(bus.counted(name="a", number=number) for number in (4, 5)))
        await until(_someone_waits_for_a_lock(bus))
        slow.go_on.set()
        await until(caught_up(bus))
    assert [number for _, _, number in await bus.effects()] == [0, 1, 2, 3, 4, 5]
    assert await bus.fetch("SELECT 1 FROM parked_key") == []


async def test_a_discard_of_an_event_that_a_retry_has_just_handled_is_refused_and_not_noted(bus: Bus) -> None:
    """Without looking whether the row was still there, the audit tells of a discard that never happened."""
    slow = Slow(bus)
    slow.hopeless = 3
    await publish(bus, *(bus.counted(name="a", number=number) for number in range(4)))
    connection = await asyncpg.connect(bus.dsn)
    async with running(bus.consumer(slow.subscriptions)):
        await until(parked(bus, 3))
        (key,) = await unparking.parked_keys(connection)
        assert key.first_id is not None
        slow.mended = True
        await retry(bus)
        await asyncio.wait_for(slow.reached.wait(), 300)
        discarding = asyncio.create_task(unparking.discard(connection, key.first_id, by=ANA))
        await until(_someone_waits_for_a_lock(bus))
        slow.go_on.set()
        with pytest.raises(unparking.NothingParkedError):
            await discarding
    await connection.close()
    assert [number for _, _, number in await bus.effects()] == [0, 1, 2]
    assert len(await bus.fetch("SELECT 1 FROM parked")) == 1
    assert len(await bus.fetch("SELECT 1 FROM operator_action")) == 1


async def test_an_event_is_parked_though_the_same_offset_of_a_lost_log_held_another_parked_one(make_bus: Make) -> None:
    """K2. With `parked` unique by offset alone the second one is dropped silently: lost."""
    bus = await make_bus(partitions=1)
    bad = {"poison": lambda _: True}
    await publish(bus, bus.counted(name="a", number=1))
    async with running(bus.consumer(bus.subscriptions(**bad))):
        await until(parked(bus, 1))
    await recreate(bus)
    await bus.fetch("UPDATE consumer_position SET next_offset = 0, last_event_id = NULL")
    await publish(bus, bus.counted(name="b", number=2))
    async with running(bus.consumer(bus.subscriptions(**bad))):
        await until(parked(bus, 2))
    rows = await bus.fetch("SELECT key, log_offset FROM parked ORDER BY id")
    assert [tuple(row) for row in rows] == [(b"a", 0), (b"b", 0)]


async def test_more_than_a_share_of_failures_stops_the_partition_and_says_so(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the second limit they are parked one after the other, never ten in a row."""
    monkeypatch.setattr(limits, "WINDOW", 100)
    bus = await make_bus(partitions=1)
    await publish(bus, *(bus.counted(name=f"k{number}", number=number) for number in range(60)))
    consumer = bus.consumer(bus.subscriptions(poison=lambda event: event.number % 10 == 0))  # type: ignore[attr-defined]
    async with running(consumer):

        async def stopped() -> bool:
            return "6 of the last 100 events failed" in str(consumer.why_unready())

        await until(stopped)
    assert await bus.fetch("SELECT 1 FROM parked UNION ALL SELECT 1 FROM effect") == []
