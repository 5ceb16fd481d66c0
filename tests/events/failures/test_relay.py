"""Rows R1 to R4, R6 and R7: the relay is killed, stopped, overtaken, and refused by Kafka (R5: `test_broker.py`)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import OutOfOrderSequenceNumber

from libs.events import kafka
from libs.events.processes.crashpoints import CrashPoint
from libs.events.relaying import leadership, publishing
from libs.events.relaying.leadership import LeadershipLostError
from libs.events.relaying.publishing import Outcome
from libs.events.relaying.retiring import Unretired
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import drained, logged, numbers, position, sequences
from tests.events.process import killed_itself, start

Make = Callable[..., Awaitable[Bus]]
SILENCE_SECONDS = 3.0


async def killed_and_taken_up(bus: Bus, point: CrashPoint) -> int:
    """Events on the wire twice, after a relay was killed at `point` and another one has drained the outbox."""
    for number in range(5):
        await bus.append(*(bus.counted(name=f"key-{key}", number=number) for key in range(20)))
    async with start("relay", bus, crash=point) as process:
        await killed_itself(process)
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 100
    async with running(bus.relay()):
        await until(drained(bus))
    assert await sequences(bus) == {f"key-{key}": list(range(5)) for key in range(20)}
    return len(await bus.records()) - 100


async def test_r1_a_relay_killed_after_reading_loses_nothing(bus: Bus) -> None:
    """Retiring before the acknowledgement instead of after it loses every event."""
    assert await killed_and_taken_up(bus, CrashPoint.RELAY_AFTER_READ) == 0


async def test_r2_a_relay_killed_while_kafka_acknowledges_sends_at_most_its_batch_again(bus: Bus) -> None:
    """Killed when the first partition is acknowledged. With retirement before acknowledgement the others are lost."""
    assert 0 < await killed_and_taken_up(bus, CrashPoint.RELAY_AFTER_ACK) <= 100


async def test_r3_what_a_relay_killed_before_retiring_sent_twice_has_its_effects_once(bus: Bus) -> None:
    """Without the inbox the effects are there twice."""
    assert await killed_and_taken_up(bus, CrashPoint.RELAY_AFTER_SEND) == 100
    async with running(bus.consumer()):
        await until(position(bus, 200))
    assert await numbers(bus) == {f"key-{key}": list(range(5)) for key in range(20)}


@pytest.mark.parametrize("point", [CrashPoint.RELAY_AFTER_ACK, CrashPoint.RELAY_AFTER_SEND])
async def test_r3_a_relay_killed_after_many_rounds_sends_at_most_its_unretired_rows_again(
    bus: Bus, point: CrashPoint
) -> None:
    """Ten rounds of ten events, retired from forty on; killed in the tenth. Without `are_many` in `Relay._round` all
    hundred are sent again."""
    async with start("relay", bus, crash=point, visit=10, retire_seconds=600, retire_rows=40) as process:
        for number in range(10):
            await bus.append(*(bus.counted(name="a", number=10 * number + one) for one in range(10)))
            await until(logged(bus, 10 * (number + 1)))
        await killed_itself(process)
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 20
    async with running(bus.relay(), bus.consumer()):
        await until(drained(bus))
        await until(position(bus, 120))
    assert len(await bus.records()) == 120
    assert await numbers(bus) == {"a": list(range(100))}


async def test_r4_a_leader_that_is_stopped_is_replaced_and_its_late_sends_change_nothing(bus: Bus) -> None:
    """SIGSTOP in the middle of a load, SIGCONT when another one leads. Without `_END_SILENT_LEADER` nobody takes over:
    the stopped one's session keeps the lock for as long as it is stopped."""
    async with start("relay", bus, silence_seconds=SILENCE_SECONDS) as old:
        await bus.append(bus.counted(name="a", number=0))
        await until(drained(bus))
        os.kill(old.pid, signal.SIGSTOP)
        for number in range(1, 4):
            await bus.append(*(bus.counted(name=f"k{key}", number=number) for key in range(10)))
        async with running(bus.relay(silence_seconds=SILENCE_SECONDS), bus.consumer()):
            await until(drained(bus))
            os.kill(old.pid, signal.SIGCONT)
            for number in range(4, 7):
                await bus.append(*(bus.counted(name=f"k{key}", number=number) for key in range(10)))
                await asyncio.sleep(0.3)
            await until(drained(bus))
            assert (await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] == 2
            await until(position(bus, len(await bus.records())))
    assert await numbers(bus) == {"a": [0]} | {f"k{key}": list(range(1, 7)) for key in range(10)}


async def test_r4_a_relay_whose_leadership_is_gone_retires_nothing(bus: Bus) -> None:
    """Without the epoch in the statement the old leader's retirement goes through."""
    await bus.append(bus.counted(name="a", number=1))
    async with leadership.connected(bus.dsn) as connection:
        leading = await leadership.lead(connection, asyncio.Event(), owner="old")
        assert leading is not None
        other = await asyncpg.connect(bus.dsn)
        await other.execute("UPDATE outbox_leader SET epoch = epoch + 1")
        await other.close()
        row = (await bus.fetch("SELECT id FROM outbox"))[0]
        unretired = Unretired(connection, leading)
        unretired.add(Outcome(acked_ids=[row["id"]], partitions=[0], offsets=[0]))
        with pytest.raises(LeadershipLostError):
            await unretired.retire()
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 1


async def test_r4_a_relay_that_slept_through_its_lease_sends_nothing(bus: Bus) -> None:
    """It wakes between reading and sending. Without `may_send` the rows leave a second time, behind its successor's."""
    await bus.append(bus.counted(name="a", number=1))
    client = kafka.producer(bus.bootstrap, client_id="slept")
    await client.start()
    try:
        publisher = publishing.Publisher(client, source="urn:test:bus", topics={})
        rows = await bus.fetch("SELECT * FROM outbox ORDER BY id")
        outcome = await publisher.publish(rows, timeout_seconds=10, may_send=lambda: False)
    finally:
        await kafka.abandon(client)
    assert isinstance(outcome.error, LeadershipLostError)
    assert outcome.acked_ids == []
    assert await bus.records() == []


async def test_r4_a_leader_that_waits_long_for_kafka_stays_in_office(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the heartbeat in `while_held` a candidate ends its session though it lives, again and again."""
    publish = publishing.Publisher.publish

    async def slow(self: publishing.Publisher, *arguments: Any, **options: Any) -> Outcome:
        await asyncio.sleep(SILENCE_SECONDS + 1.5)
        return await publish(self, *arguments, **options)

    monkeypatch.setattr(publishing.Publisher, "publish", slow)
    await bus.append(bus.counted(name="a", number=1))
    async with running(bus.relay(silence_seconds=SILENCE_SECONDS), bus.relay(silence_seconds=SILENCE_SECONDS)):
        await until(drained(bus))
    assert (await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] == 1
    assert len(await bus.records()) == 1


@pytest.mark.parametrize("arrived", [False, True], ids=["it did not arrive", "it arrived"])
async def test_r6_a_producer_whose_sequence_is_broken_is_replaced(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """aiokafka never resets its producer id. If `outcome.error` isn't raised the same client fails for ever."""
    made: list[Any] = []
    make = kafka.producer

    def fragile(*arguments: Any, **options: Any) -> Any:
        client: Any = make(*arguments, **options)
        send_batch = client.send_batch
        first = not made
        made.append(client)

        async def broken(*inner: Any, **also: Any) -> asyncio.Future[Any]:
            if arrived:
                await (await send_batch(*inner, **also))
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(OutOfOrderSequenceNumber())
            return future

        if first:
            client.send_batch = broken
        return client

    monkeypatch.setattr(kafka, "producer", fragile)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(10)))
    async with running(bus.relay(), bus.consumer()):
        await until(drained(bus))
        await until(position(bus, 20 if arrived else 10))
    assert len(made) == 2
    assert await numbers(bus) == {"a": list(range(10))}


async def test_r7_an_event_that_is_too_large_holds_up_its_own_key_and_no_other(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the block the relay would read the same row first for ever."""
    monkeypatch.setattr(publishing, "BATCH_BYTES", publishing.HEADERS_BYTES_MAX + 100)
    long_name = "x" * 200
    await bus.append(bus.counted(name=long_name, number=1), bus.counted(name="a", number=1))
    await bus.append(bus.counted(name=long_name, number=2), bus.counted(name="a", number=2))
    one = bus.relay()
    async with running(one):

        async def only_the_large_ones_are_left() -> bool:
            return [row["key"] for row in await bus.fetch("SELECT key FROM outbox")] == [long_name] * 2

        await until(only_the_large_ones_are_left)
        failed = await bus.fetch("SELECT failure FROM outbox WHERE failed_at IS NOT NULL")
        assert [row["failure"] for row in failed] == ["MessageSizeTooLargeError"]
        assert "blocked" in str(one.why_unready())
    assert await sequences(bus) == {"a": [1, 2]}


async def test_r7_an_event_above_the_brokers_limit_holds_up_its_own_key_and_no_other(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker refuses it, not we, and with it the whole batch in which it is; smaller ones find which event it is.

    Without any of these its whole partition waits for ever: `refused_rows` in `Publisher._send`, `_note_refusals`, its
    block, `_rows_max`, and `inherit`, by which the next producer knows of it.
    """
    bus = await make_bus(partitions=1)
    large = "x" * 700_000  # key and value hold it
    for module in (kafka, publishing):
        monkeypatch.setattr(module, "BATCH_BYTES", 4_000_000)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(3)), bus.counted(name=large, number=1))
    await bus.append(bus.counted(name="a", number=3))
    async with running(bus.relay()):

        async def only_the_large_one_is_left() -> bool:
            return [len(row["key"]) for row in await bus.fetch("SELECT key FROM outbox")] == [len(large)]

        await until(only_the_large_one_is_left)

        async def told() -> bool:
            failed = await bus.fetch("SELECT failure FROM outbox WHERE failed_at IS NOT NULL")
            return [row["failure"] for row in failed] == ["MessageSizeTooLargeError"]

        await until(told)
    assert await sequences(bus) == {"a": [0, 1, 2, 3]}
