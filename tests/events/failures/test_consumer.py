"""Rows C1 to C5: the worker is killed, overtaken, thrown out of its group. C6: `tests/events/test_poison.py`;
C7: `test_postgres.py`; C8: `tests/events/test_fail_stop.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import kafka
from libs.events.processes.crashpoints import CrashPoint
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import committed_in_kafka, effects, numbers, position, send
from tests.events.process import holding, killed_itself, start

Make = Callable[..., Awaitable[Bus]]
SESSION_MS = 2_000


@pytest.mark.parametrize(
    "point", [CrashPoint.CONSUMER_AFTER_FENCE, CrashPoint.CONSUMER_AFTER_INBOX, CrashPoint.CONSUMER_BEFORE_COMMIT]
)
async def test_c1_a_consumer_killed_before_its_commit_has_had_no_effect(bus: Bus, point: CrashPoint) -> None:
    """With the position moved in a transaction of its own the events are lost."""
    await send(bus, *range(20))
    async with start("consumer", bus, crash=point) as process:
        await killed_itself(process)
    assert await bus.effects() == []
    async with running(bus.consumer(instance_id=bus.group)):
        await until(effects(bus, 20))
    assert await numbers(bus) == {"a": list(range(20))}


@pytest.mark.parametrize("point", [CrashPoint.CONSUMER_AFTER_COMMIT, CrashPoint.CONSUMER_AFTER_KAFKA_COMMIT])
async def test_c2_a_consumer_killed_after_its_commit_repeats_nothing(bus: Bus, point: CrashPoint) -> None:
    """With positions from Kafka instead of PostgreSQL everything is fetched again, or nothing ever."""
    await send(bus, *range(20))
    async with start("consumer", bus, crash=point) as process:
        await killed_itself(process)
    assert (await committed_in_kafka(bus) is None) == (point is CrashPoint.CONSUMER_AFTER_COMMIT)
    done = len(await bus.effects())
    assert done > 0
    await send(bus, 20)
    async with running(bus.consumer(instance_id=bus.group)):
        await until(effects(bus, 21))
    assert await numbers(bus) == {"a": list(range(21))}
    assert sum(len(batch) for _, batch in bus.calls) == 21 - done


async def test_c3_a_zombie_is_fenced_and_its_effects_are_rolled_back(bus: Bus) -> None:
    """Two members have the same records in hand, as after a rebalance that one of them slept through.

    Without the comparison of `next_offset` in the fence both apply them (the inbox taken out as well).
    """
    await send(bus, *range(10))
    zombie_waits, other_is_done = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def sleepy() -> AsyncIterator[AsyncSession]:
        membership = zombie._membership
        in_hand = membership is not None and any(one.in_hand for one in membership.partitions.values())
        if bus.calls == [] and in_hand:
            zombie_waits.set()
            await other_is_done.wait()
        async with bus.database.transaction() as session:
            yield session

    zombie = bus.consumer(transaction=sleepy)
    async with running(zombie):
        await asyncio.wait_for(zombie_waits.wait(), 300)
        await apply_elsewhere(bus, 10)
        other_is_done.set()
        await send(bus, 10)
        await until(position(bus, 11))
    assert [number for _, _, number in await bus.effects()] == [-1, 10]


async def apply_elsewhere(bus: Bus, next_offset: int) -> None:
    """What another member's committed batch leaves behind."""
    async with bus.database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            f"UPDATE consumer_position SET next_offset = {next_offset}, last_event_id = NULL WHERE partition = 0"
        )
        await connection.exec_driver_sql("INSERT INTO effect (key, type, number) VALUES ('a', 'other', -1)")


async def test_c4_a_commit_that_kafka_refuses_changes_nothing(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the `suppress` in `_look_after` each refusal ends the membership: a rebalance a second."""
    make, made, refused = kafka.group_member, 0, 0

    def fragile(*arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        client: Any = make(*arguments, **options)

        async def refuse(_: Mapping[TopicPartition, int]) -> None:
            nonlocal refused
            refused += 1
            raise CommitFailedError

        client.commit = refuse
        return client

    monkeypatch.setattr(kafka, "group_member", fragile)
    await send(bus, *range(5))
    async with running(bus.consumer()):

        async def refused_twice() -> bool:
            return refused >= 2

        await until(refused_twice)
        await send(bus, 5)
        await until(effects(bus, 6))
    assert made == 1
    assert await numbers(bus) == {"a": list(range(6))}


async def test_c5_a_worker_whose_event_loop_is_blocked_is_replaced_and_its_effects_are_there_once(
    make_bus: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocked with a batch in hand for longer than its session lasts; another member has handled it meanwhile.

    Without the comparison of `next_offset` in the fence the batch is applied twice (the inbox taken out as well).
    """
    bus = await make_bus(partitions=1)
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", SESSION_MS)
    awake = tmp_path / "awake"
    await send(bus, *range(10))
    options = {"session_timeout_ms": SESSION_MS, "dynamic": True, "hold_before": str(awake)}
    async with start("consumer", bus, **options) as blocked:
        await holding(blocked)
        async with running(bus.consumer()):
            await until(effects(bus, 10))
            await asyncio.to_thread(awake.touch)
            await send(bus, *range(10, 20))
            await until(effects(bus, 20))
        # The other one has left; the blocked one is a member again.
        await send(bus, *range(20, 30))
        await until(effects(bus, 30))
    assert await numbers(bus) == {"a": list(range(30))}
