"""Row S1: a stop ends the batch in hand or rolls it back, within a limit (`test_broker.py`: while the broker hangs)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import consumer, publishing, relay
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import effects, send


async def test_s1_a_stop_finishes_the_batch_in_hand_and_takes_no_other(bus: Bus) -> None:
    """With the lanes cancelled instead of closed the batch in hand is rolled back; not closed, they take the next."""
    await send(bus, *range(5))
    in_hand, go_on = asyncio.Event(), asyncio.Event()
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def wait(session: AsyncSession, batch: object) -> None:
        in_hand.set()
        await go_on.wait()

    async with running(bus.consumer(subscriptions)) as stop:
        await asyncio.wait_for(in_hand.wait(), 20)
        await send(bus, 5)
        stop.set()
        await asyncio.sleep(0.1)
        go_on.set()
    assert [number for _, _, number in await bus.effects()] == list(range(5))


async def test_s1_a_batch_that_outlasts_the_limit_is_rolled_back_and_handled_by_the_next(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the limit in `Membership.drain` the stop never ends."""
    monkeypatch.setattr(consumer, "DRAIN_SECONDS", 0.5)
    await send(bus, *range(5))
    in_hand = asyncio.Event()
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def wait(session: AsyncSession, batch: object) -> None:
        in_hand.set()
        await asyncio.Event().wait()

    async with running(bus.consumer(subscriptions)):
        await asyncio.wait_for(in_hand.wait(), 20)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 8
    assert await bus.effects() == []
    assert (
        await bus.fetch("SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname=current_database()")
        == []
    )
    async with running(bus.consumer()):
        await until(effects(bus, 5))


async def test_s1_a_relay_stops_within_its_limit_while_kafka_does_not_answer(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the limit in `Relay.run` it waits for the send as long as a send may take. What wasn't retired stays."""
    monkeypatch.setattr(relay, "STOP_SECONDS", 1.0)
    sending = asyncio.Event()

    async def never(*_: Any, **__: Any) -> None:
        sending.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(publishing.Publisher, "publish", never)
        await bus.append(*(bus.counted(name="a", number=number) for number in range(5)))
        async with running(bus.relay()):
            await asyncio.wait_for(sending.wait(), 20)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 6
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 5
    async with running(bus.relay(), bus.consumer()):
        await until(effects(bus, 5))
