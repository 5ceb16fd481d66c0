"""Row R5, pitfall 4 and two traps, on a broker of the tests' own that is killed, frozen and started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from libs.events import kafka, relay
from libs.events.consuming import watchdog
from libs.events.relaying.publishing import Publisher
from libs.events.topics import Topic
from tests.events.bus import Bus, running, until
from tests.events.conftest import Databases
from tests.events.failures.observing import LONG, bus_on, drained, effects, lasting, loaded, loading, numbers, position
from tests.events.failures.servers import BreakableKafka

OUTAGE_SECONDS = lasting(3, long=600)
RESTARTS = 5 if LONG else 2
RESUMED_SECONDS = 30
HANG_SECONDS = 30
"""Shorter than what a client waits for a coordinator or a batch; much longer than what the limits allow."""


@pytest.fixture
async def bus(event_databases: Databases, breakable_kafka: BreakableKafka) -> AsyncIterator[Bus]:
    dsn = event_databases.take()
    async with bus_on(dsn, breakable_kafka.bootstrap) as made:
        yield made
    await event_databases.give_back(dsn)


@pytest.mark.timeout(600 + 2 * OUTAGE_SECONDS)
async def test_r5_while_the_broker_is_away_the_outbox_grows_and_drains_in_order_afterwards(
    bus: Bus, breakable_kafka: BreakableKafka
) -> None:
    """Appending never waits for Kafka, so what APIs do goes on; the relay takes up where it was."""
    async with running(bus.relay(), bus.consumer()):
        async with loading(bus, pause_seconds=0.05) as load:
            await until(effects(bus, 50))
            await asyncio.to_thread(breakable_kafka.kill)
            before = load.count
            await until(loaded(load, before + 10 * OUTAGE_SECONDS), seconds=60 + OUTAGE_SECONDS)
            assert load.failures == 0
            appended, waiting = load.count - before, len(await bus.fetch("SELECT 1 FROM outbox"))
            assert waiting >= appended >= 10 * OUTAGE_SECONDS, "all that was appended since the broker is gone"
            await breakable_kafka.start()
        await until(effects(bus, load.count), seconds=60 + OUTAGE_SECONDS)
        await until(drained(bus))
    await load.check()
    assert len(await bus.effects()) == load.count


async def test_pitfall_04_after_every_restart_of_the_broker_work_goes_on_within_thirty_seconds(
    bus: Bus, breakable_kafka: BreakableKafka
) -> None:
    """Killed again and again under load; each time its port is open long before it answers.

    A client that lives without progress afterwards (aiokafka 1154) is replaced: each check of the watchdog is taken out
    in turn in `test_watchdog.py`.
    """
    async with running(bus.relay(), bus.consumer()):
        async with loading(bus, pause_seconds=0.05) as load:
            for _ in range(RESTARTS):
                await until(effects(bus, len(await bus.effects()) + 20), seconds=RESUMED_SECONDS)
                await asyncio.to_thread(breakable_kafka.kill)
                await breakable_kafka.start()
            reached = load.count
            await until(effects(bus, reached), seconds=RESUMED_SECONDS)
        await until(effects(bus, load.count))
    await load.check()


async def test_trap_a_broker_slow_to_return_is_waited_for_and_nothing_is_lost(
    bus: Bus, breakable_kafka: BreakableKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts connections and answers nothing, for longer than a session lasts and a send may take; clients are
    replaced meanwhile. What the old ones had on its way arrives when it is back: without the inbox it is doubled.
    """
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", 2_000)
    monkeypatch.setattr(relay, "SEND_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(watchdog, "AWAY_SECONDS", 1.5)
    monkeypatch.setattr(watchdog, "ASK_SECONDS", 0.5)
    async with running(bus.relay(), bus.consumer()):
        async with loading(bus, pause_seconds=0.05) as load:
            await until(effects(bus, 20), seconds=30)
            breakable_kafka.freeze()
            try:
                await asyncio.sleep(4)
                assert load.failures == 0
            finally:
                breakable_kafka.thaw()
        await until(effects(bus, load.count))
    await load.check()
    assert len(await bus.effects()) == load.count


async def test_trap_a_send_that_waits_longer_than_it_said_is_given_up(
    bus: Bus, breakable_kafka: BreakableKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With idempotence a batch of aiokafka never expires, beyond any `request_timeout_ms`: the publisher has a limit.

    With `timeout=None` in `Publisher.publish` this waits until the broker is back.
    """
    monkeypatch.setattr(kafka, "CLOSE_SECONDS", 1.0)
    await bus.append(*(bus.counted(name=f"k{key}", number=0) for key in range(10)))
    rows: list[Any] = await bus.fetch("SELECT * FROM outbox ORDER BY id")
    client = kafka.producer(bus.bootstrap, client_id="bounded")
    await client.start()
    publisher = Publisher(client, source="urn:test:bus", topics={bus.topic.name: Topic(bus.topic.name, partitions=3)})
    assert len(await client.partitions_for(bus.topic.name)) == 3
    breakable_kafka.freeze()
    try:
        began = time.monotonic()
        outcome = await publisher.publish(rows, timeout_seconds=2)
        assert isinstance(outcome.error, TimeoutError)
        assert outcome.acked_ids == []
        await kafka.abandon(client)
        assert time.monotonic() - began < HANG_SECONDS
    finally:
        breakable_kafka.thaw()
    async with running(bus.relay(), bus.consumer()):
        await until(effects(bus, 10))
    assert await numbers(bus) == {f"k{key}": [0] for key in range(10)}


async def test_s1_relay_and_worker_stop_within_their_limits_while_the_broker_hangs(
    bus: Bus, breakable_kafka: BreakableKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `member.stop()` instead of `kafka.leave` the worker waits for the coordinator, with the producer's `stop`
    instead of `kafka.abandon` the relay for its batch; the same without the limit of `Relay.run` or that of the last
    commit in `Membership.drain`."""
    monkeypatch.setattr(kafka, "CLOSE_SECONDS", 1.0)
    monkeypatch.setattr(relay, "STOP_SECONDS", 1.0)
    await bus.append(bus.counted(name="a", number=0))
    try:
        async with running(bus.relay(), bus.consumer()):
            await until(effects(bus, 1))
            breakable_kafka.freeze()
            await bus.append(bus.counted(name="a", number=1))
            await asyncio.sleep(1)
            began = time.monotonic()
        assert time.monotonic() - began < HANG_SECONDS
    finally:
        breakable_kafka.thaw()
    async with running(bus.relay(), bus.consumer()):
        await until(effects(bus, 2))
        await until(position(bus, 2))
    assert await numbers(bus) == {"a": [0, 1]}
