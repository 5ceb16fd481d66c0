"""The relay: in order per key, nothing lost, leadership, and what Kafka refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from libs.events import kafka, leadership, publishing, relay
from libs.events.crashpoints import CrashPoint
from libs.events.leadership import LeadershipLostError
from libs.events.publishing import Outcome
from libs.events.topics import Topic
from tests.events.bus import Bus, Counted, running, until
from tests.events.process import killed_itself, start

Make = Callable[..., Awaitable[Bus]]


def drained(bus: Bus) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return not await bus.fetch("SELECT 1 FROM outbox LIMIT 1")

    return condition


async def sequences(bus: Bus) -> dict[bytes, list[int]]:
    """For every key the numbers in the log, each at its first occurrence."""
    found: dict[bytes, list[int]] = {}
    for record in await bus.records():
        number = bus.counted.model_validate_json(record.value).number
        numbers = found.setdefault(record.key, [])
        if number not in numbers:
            numbers.append(number)
    return found


async def test_a_key_is_published_in_order_and_always_to_the_same_partition(bus: Bus) -> None:
    async with running(bus.relay()):
        for number in range(30):
            await bus.append(*(bus.counted(name=f"key-{key}", number=number) for key in range(7)))
        await until(drained(bus))
    assert await sequences(bus) == {f"key-{key}".encode(): list(range(30)) for key in range(7)}
    partitions: dict[bytes, set[int]] = {}
    for record in await bus.records():
        partitions.setdefault(record.key, set()).add(record.partition)
    assert all(len(found) == 1 for found in partitions.values())
    archived = await bus.fetch("SELECT key, partition, log_offset FROM outbox_sent")
    assert {(row["key"].encode(), row["partition"], row["log_offset"]) for row in archived} == {
        (record.key, record.partition, record.offset) for record in await bus.records()
    }


@pytest.mark.parametrize(
    "point", [CrashPoint.RELAY_AFTER_READ, CrashPoint.RELAY_AFTER_ACK, CrashPoint.RELAY_AFTER_SEND]
)
async def test_a_relay_killed_at_any_point_loses_nothing_and_keeps_the_order(bus: Bus, point: CrashPoint) -> None:
    """R1-R3. Retiring before the acknowledgement instead of after it loses every event at `relay.after_read`."""
    for number in range(5):
        await bus.append(*(bus.counted(name=f"key-{key}", number=number) for key in range(20)))
    async with start("relay", bus, crash=point) as process:
        await killed_itself(process)
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 100
    async with running(bus.relay()):
        await until(drained(bus))
    assert await sequences(bus) == {f"key-{key}".encode(): list(range(5)) for key in range(20)}


async def test_what_a_killed_relay_sent_twice_has_its_effects_once(bus: Bus) -> None:
    """R3. Without the inbox the effects are there twice."""
    await bus.append(*(bus.counted(name=f"key-{key}", number=1) for key in range(50)))
    async with start("relay", bus, crash=CrashPoint.RELAY_AFTER_SEND) as process:
        await killed_itself(process)
    async with running(bus.relay(), bus.consumer()):
        await until(drained(bus))
        end = await bus.records()
        assert len(end) == 100

        async def all_consumed() -> bool:
            rows = await bus.fetch("SELECT sum(next_offset)::int AS position FROM consumer_position")
            return bool(rows[0]["position"] == 100)

        await until(all_consumed)
    assert len(await bus.effects()) == 50


async def test_one_relay_leads_and_another_takes_over_when_it_ends(bus: Bus) -> None:
    async with start("relay", bus) as first:
        await bus.append(bus.counted(name="a", number=1))
        await until(drained(bus))
        async with running(bus.relay()):
            await bus.append(bus.counted(name="a", number=2))
            await until(drained(bus))
            assert (await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] == 1
            first.kill()
            await first.wait()
            await bus.append(bus.counted(name="a", number=3))
            await until(drained(bus))
            assert (await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] == 2
    assert await sequences(bus) == {b"a": [1, 2, 3]}


async def test_a_relay_whose_leadership_is_gone_retires_nothing(bus: Bus) -> None:
    """R4. Without the epoch in the statement the old leader's retirement goes through."""
    await bus.append(bus.counted(name="a", number=1))
    async with leadership.connected(bus.dsn) as connection:
        epoch = await leadership.lead(connection, asyncio.Event(), owner="old")
        assert epoch is not None
        other = await asyncpg.connect(bus.dsn)
        await other.execute("UPDATE outbox_leader SET epoch = epoch + 1")
        await other.close()
        row = (await bus.fetch("SELECT id FROM outbox"))[0]
        outcome = Outcome(acked_ids=[row["id"]], partitions=[0], offsets=[0])
        with pytest.raises(LeadershipLostError):
            await bus.relay()._retire(connection, epoch, outcome)
    assert len(await bus.fetch("SELECT 1 FROM outbox")) == 1


async def test_an_event_that_is_too_large_holds_up_its_own_key_and_no_other(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R7. Without the block the relay would read the same row first for ever."""
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
    assert await sequences(bus) == {b"a": [1, 2]}


async def test_a_batch_that_the_broker_finds_too_large_is_sent_in_smaller_ones(make_bus: Make) -> None:
    """Without the smaller batches a topic whose limit is below ours is never written to again."""
    bus = await make_bus(partitions=1)
    async with kafka.admin(bus.bootstrap) as admin:
        limit = ConfigResource(ConfigResourceType.TOPIC, bus.topic.name, configs={"max.message.bytes": "20000"})
        await admin.alter_configs([limit])
    await bus.append(*(bus.counted(name=f"{number:01000}", number=number) for number in range(100)))
    async with running(bus.relay()):
        await until(drained(bus), seconds=40)
    assert [bus.counted.model_validate_json(record.value).number for record in await bus.records()] == list(range(100))


async def test_an_event_above_the_brokers_limit_holds_up_its_own_key_and_no_other(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R7. The broker refuses it, not we."""
    bus = await make_bus(partitions=1)
    large = "x" * 1_200_000
    monkeypatch.setattr(publishing, "HEADERS_BYTES_MAX", -1_000_000)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(3)), bus.counted(name=large, number=1))
    await bus.append(bus.counted(name="a", number=3))
    async with running(bus.relay()):

        async def only_the_large_one_is_left() -> bool:
            return [len(row["key"]) for row in await bus.fetch("SELECT key FROM outbox")] == [len(large)]

        await until(only_the_large_one_is_left, seconds=40)
    assert await sequences(bus) == {b"a": [0, 1, 2, 3]}


async def test_a_topic_that_is_missing_holds_up_itself_and_no_other(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "METADATA_SECONDS", 1.0)
    missing = f"missing-{uuid4()}"
    lost: type[Counted] = type("Lost", (Counted,), {"topic": missing})
    await bus.append(lost(name="a", number=1), bus.counted(name="a", number=1))
    one = bus.relay()
    async with running(one):

        async def the_other_is_out() -> bool:
            return [row["topic"] for row in await bus.fetch("SELECT topic FROM outbox")] == [missing]

        await until(the_other_is_out)
        assert missing in str(one.why_unready())


async def test_a_topic_with_other_partitions_than_declared_is_not_written_to(bus: Bus) -> None:
    """Without the check a key's later events would go to another partition than its earlier ones."""
    await bus.append(bus.counted(name="a", number=1))
    one = relay.Relay(
        bus.dsn, bus.bootstrap, source="urn:test", topics={bus.topic.name: Topic(bus.topic.name, partitions=12)}
    )
    async with running(one):

        async def it_says_so() -> bool:
            return "it has 3 partitions, not 12" in str(one.why_unready())

        await until(it_says_so)
    assert await bus.records() == []
