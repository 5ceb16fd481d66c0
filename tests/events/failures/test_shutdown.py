"""Row S1: a stop ends the batch in hand or rolls it back, within a limit (`test_broker.py`: while the broker hangs)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import consumer, kafka, relay
from libs.events.consuming import membership
from libs.events.postgres import raw
from libs.events.relaying import publishing
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import effects, send


async def test_s1_a_stop_finishes_the_batch_in_hand_and_takes_no_other(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another event waits meanwhile, and Kafka takes its time to hear of the position.

    Without `drain`, or without its wait for the lanes, the batch in hand is rolled back; with lanes that aren't closed
    the next one is handled.
    """
    await send(bus, *range(5))
    in_hand, go_on = asyncio.Event(), asyncio.Event()
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def wait(session: AsyncSession, batch: object) -> None:
        in_hand.set()
        await go_on.wait()

    commit = membership.Membership._commit

    async def slow_commit(self: membership.Membership) -> None:
        await asyncio.sleep(0.5)
        await commit(self)

    monkeypatch.setattr(membership.Membership, "_commit", slow_commit)
    one = bus.consumer(subscriptions)

    async def another_waits() -> bool:
        return one._membership is not None and any(part.buffer for part in one._membership.partitions.values())

    async with running(one) as stop:
        await asyncio.wait_for(in_hand.wait(), 300)
        await send(bus, 5)
        await until(another_waits)
        stop.set()
        await asyncio.sleep(1)  # longer than what follows the wait for the lanes
        go_on.set()
    assert [number for _, _, number in await bus.effects()] == list(range(5))


async def test_s1_a_batch_that_outlasts_the_limit_is_rolled_back_and_handled_by_the_next(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the limit in `Membership.drain` the stop never ends; without `end` in `Membership.run` the transaction
    stays open."""
    monkeypatch.setattr(consumer, "DRAIN_SECONDS", 0.5)
    await send(bus, *range(5))
    in_hand = asyncio.Event()
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def wait(session: AsyncSession, batch: object) -> None:
        in_hand.set()
        await asyncio.Event().wait()

    async with running(bus.consumer(subscriptions)):
        await asyncio.wait_for(in_hand.wait(), 300)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 8
    assert await bus.effects() == []
    assert (
        await bus.fetch("SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname=current_database()")
        == []
    )
    async with running(bus.consumer()):
        await until(effects(bus, 5))


async def test_s1_a_batch_that_is_cut_short_while_its_connection_is_gone_is_not_begun_again(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollback fails, and its error comes in place of the cancellation.

    Without `_is_cancelled` in `Lane._settle` it is taken for an outage: the batch is begun again, and the stop
    never ends.
    """
    monkeypatch.setattr(consumer, "DRAIN_SECONDS", 0.5)
    await send(bus, *range(5))
    begun, in_hand = 0, asyncio.Event()
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def wait(session: AsyncSession, batch: object) -> None:
        nonlocal begun
        begun += 1
        with contextlib.suppress(asyncpg.PostgresError, OSError):
            await (await raw(session)).execute("SELECT pg_terminate_backend(pg_backend_pid())")
        in_hand.set()
        await asyncio.Event().wait()

    async with running(bus.consumer(subscriptions)):
        await asyncio.wait_for(in_hand.wait(), 300)
    assert begun == 1
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
            await asyncio.wait_for(sending.wait(), 300)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 6
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 5
    async with running(bus.relay(), bus.consumer()):
        await until(effects(bus, 5))


async def test_s1_a_member_whose_end_is_cut_short_leaves_no_task_and_no_partition_behind(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last word to the coordinator hangs, so `kafka.leave` gives up waiting; the broker itself is well.

    With the heartbeat or the fetching left out of what `leave` cancels that task lives on.
    """
    monkeypatch.setattr(kafka, "CLOSE_SECONDS", 0.5)
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", 2_000)
    gone = await joined(bus)
    gone._coordinator._maybe_do_last_autocommit = hangs
    await asyncio.wait_for(kafka.leave(gone), 10)
    alive = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
    assert [name for name in sorted(alive) if name.startswith(("GroupCoordinator.", "Fetcher."))] == []
    successor = await joined(bus, seconds=10)
    assert len(successor.assignment()) == bus.topic.partitions
    await kafka.leave(successor)


async def hangs(*_: Any) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def joined(bus: Bus, *, seconds: float = 30) -> Any:
    """A member of the bus's group that has partitions."""
    member: Any = kafka.group_member(bus.bootstrap, group=bus.group, client_id="a member", instance_id=None)
    await member.start()
    member.subscribe([bus.topic.name])

    async def has_partitions() -> bool:
        return bool(member.assignment())

    try:
        await until(has_partitions, seconds=seconds)
    except BaseException:
        await kafka.leave(member)
        raise
    return member
