"""Pitfalls 1 to 4, 10, 11 and 13 of the consuming side; 9 is in `test_poison_machine.py`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import NewPartitions
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import consumer as consumers
from libs.events import kafka, outbox, retention
from libs.events.topics import AUDITOR, DAY_MS, TOPICS
from tests.events.bus import Bus, event_headers, running, until
from tests.events.failures.observing import committed_in_kafka, drained, effects, numbers, position, send
from tests.events.process import holding, start

Make = Callable[..., Awaitable[Bus]]
SESSION_MS = 2_000
CROWD_MS = 5_000
"""For four members: on a busy machine one of them may need two seconds to join, and would start the joining anew."""


async def test_pitfall_01_a_batch_that_failed_is_not_skipped(make_bus: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch of each of four partitions fails; `getmany` has moved the client's position past it.

    With `return` for `_pause` in `Lane._settle` the records of a failed batch are dropped and never handled.
    """
    monkeypatch.setattr(consumers, "LANES_PER_TOPIC", 4)
    bus = await make_bus(partitions=4)
    for partition in range(4):
        await send(bus, *range(6), key=f"k{partition}", partition=partition)
    failed: set[str] = set()
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def fail_first(session: AsyncSession, batch: Sequence[Any]) -> None:
        fresh = {received.key for received in batch} - failed
        if fresh:
            failed.update(fresh)
            raise asyncpg.CannotConnectNowError("the database system is starting up")

    async with running(bus.consumer(subscriptions)):
        await until(effects(bus, 24))
    assert await numbers(bus) == {f"k{partition}": list(range(6)) for partition in range(4)}


async def test_pitfall_02_a_commit_to_kafka_covers_only_what_is_settled(make_bus: Make) -> None:
    """Partition 0 hangs in its handler while partition 1 commits; then the process is killed.

    With `commit()` for all fetched positions, and Kafka's as the truth, partition 0's events are lost.
    """
    bus = await make_bus(partitions=2)
    await send(bus, *range(5), key="halt", partition=0)
    await send(bus, *range(5), key="b", partition=1)
    async with start("consumer", bus, lanes=2, halt_key="halt") as process:

        async def told() -> bool:
            return await committed_in_kafka(bus, 1) == 5

        await until(told)
        assert not await committed_in_kafka(bus, 0)
        process.kill()
        await process.wait()
    async with running(bus.consumer(instance_id=bus.group)):
        await until(effects(bus, 10))
    assert await numbers(bus) == {"halt": list(range(5)), "b": list(range(5))}


async def test_pitfall_03_a_worker_stopped_in_its_transaction_is_replaced_and_repeats_nothing(
    make_bus: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP for longer than its session lasts, then SIGCONT: its transaction holds the position's row meanwhile.

    Without `idle_in_transaction_session_timeout` the other member waits for that row for as long as it is stopped.
    """
    bus = await make_bus(partitions=1)
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", SESSION_MS)
    awake = tmp_path / "awake"
    await send(bus, *range(10))
    options = {"session_timeout_ms": SESSION_MS, "dynamic": True, "hold_in": str(awake)}
    async with start("consumer", bus, **options) as stopped:
        await holding(stopped)
        os.kill(stopped.pid, signal.SIGSTOP)
        async with running(bus.consumer()):
            await until(effects(bus, 10))
            await asyncio.to_thread(awake.touch)
            os.kill(stopped.pid, signal.SIGCONT)
            await send(bus, *range(10, 20))
            await until(effects(bus, 20))
        await send(bus, *range(20, 30))
        await until(effects(bus, 30))
    assert await numbers(bus) == {"a": list(range(30))}


async def test_pitfall_04_a_member_without_a_partition_takes_over_when_another_one_dies(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four members, three partitions (aiokafka 1187), for longer than `max_poll_interval_ms`.

    A member that asks for records only while it has a partition leaves the group by itself, and doesn't come back.
    """
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", CROWD_MS)
    monkeypatch.setattr(kafka, "MAX_POLL_INTERVAL_MS", CROWD_MS)
    member = kafka.group_member
    # Partitions go round by the members' names: the one that is to be killed comes first, so it has one.
    monkeypatch.setattr(kafka, "group_member", lambda *its, **own: member(*its, **(own | {"client_id": "last"})))
    members = [bus.consumer() for _ in range(3)]
    async with start("consumer", bus, session_timeout_ms=CROWD_MS, dynamic=True) as killed, running(*members):
        await send(bus, 0)
        await until(effects(bus, 1))

        async def shared() -> bool:
            held = [len(one._membership.partitions) for one in members if one._membership and one._membership.joined]
            return sorted(held) == [0, 1, 1]

        await until(shared)
        await asyncio.sleep(2 * CROWD_MS / 1000)
        # Under load the group may be between two generations at any moment; who has left stays away.
        await until(shared)
        killed.kill()
        await killed.wait()

        async def taken_over() -> bool:
            held = [len(one._membership.partitions) for one in members if one._membership]
            return sorted(held) == [1, 1, 1]

        await until(taken_over)
        for partition in range(3):
            await send(bus, 1, 2, key=f"k{partition}", partition=partition)
        await until(effects(bus, 7))


async def test_pitfall_10_the_inbox_remembers_for_longer_than_any_topic_keeps_its_records() -> None:
    """Else what is fetched again after its name is forgotten has its effects twice."""
    heard = [topic for topic in TOPICS.values() if set(topic.readers) - {AUDITOR}]
    assert max(topic.retention_ms for topic in heard) < (retention.KEEP_DAYS - 1) * DAY_MS


async def test_pitfall_10_a_whole_topic_fetched_again_has_no_effect_and_appends_nothing(make_bus: Make) -> None:
    """The position is set back to the beginning. Without the inbox every effect and every event is there twice."""
    bus = await make_bus(partitions=1)
    await send(bus, *range(50))
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def pass_on(session: AsyncSession, batch: Sequence[Any]) -> None:
        await outbox.append(session, [bus.renamed(name=one.key, number=one.event.number) for one in batch])

    async with running(bus.consumer(subscriptions)):
        await until(position(bus, 50))
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 50
    await bus.fetch("UPDATE consumer_position SET next_offset = 0, last_event_id = NULL")
    async with running(bus.consumer(subscriptions)):
        await until(position(bus, 50))
    assert await numbers(bus) == {"a": list(range(50))}
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 50


async def test_pitfall_11_partitions_added_to_a_running_topic_do_not_move_a_key(bus: Bus) -> None:
    """Running clients go on as they were; who starts anew refuses. Without the check a key changes its partition."""
    consumer = bus.consumer()
    async with running(bus.relay(), consumer):
        await bus.append(*(bus.counted(name=f"k{key}", number=0) for key in range(12)))
        await until(effects(bus, 12))
        async with kafka.admin(bus.bootstrap) as admin:
            await admin.create_partitions({bus.topic.name: NewPartitions(4)})
        await bus.append(*(bus.counted(name=f"k{key}", number=1) for key in range(12)))
        await until(effects(bus, 24))
    assert await numbers(bus) == {f"k{key}": [0, 1] for key in range(12)}
    assert all(record.partition < 3 for record in await bus.records())
    fresh, relay = bus.consumer(), bus.relay()
    await bus.append(bus.counted(name="k0", number=2))
    async with running(fresh, relay):

        async def refused() -> bool:
            told = (str(fresh.why_unready()), str(relay.why_unready()))
            return "has 4 partitions, not 3" in told[0] and "it has 4 partitions, not 3" in told[1]

        await until(refused)
    assert not await drained(bus)()


async def test_pitfall_13_events_of_a_newer_producer_are_understood_or_parked_and_never_half_read(
    make_bus: Make,
) -> None:
    """Unknown fields pass, a missing one parks its key alone. With closed models everything newer is parked."""
    bus = await make_bus(partitions=1)
    randomly = random.Random(13)
    bodies: list[tuple[str, dict[str, Any]]] = []
    for number in range(40):
        body: dict[str, Any] = {"name": "a", "number": number}
        for _ in range(randomly.randrange(3)):
            body[f"new_{randomly.randrange(9)}"] = randomly.choice([None, 1, "x", [1], {"y": {}}])
        bodies.append(("a", body))
    bodies.insert(20, ("b", {"name": "b"}))
    bodies.insert(21, ("b", {"name": "b", "number": 2}))
    async with bus.producer() as producer:
        for key, body in bodies:
            headers = event_headers(bus.counted.type)
            value = json.dumps(body).encode()
            await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers, partition=0)
    async with running(bus.consumer()):
        await until(position(bus, len(bodies)))
    assert await numbers(bus) == {"a": list(range(40))}
    parked = await bus.fetch("SELECT reason, error FROM parked ORDER BY id")
    assert [tuple(row) for row in parked] == [("schema", "number missing"), ("behind", None)]
