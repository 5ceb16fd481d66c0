"""The relay: in order per key, nothing lost, leadership, and what Kafka refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from libs.events import kafka, relay
from libs.events.relaying import publishing
from libs.events.topics import Topic
from tests.events.bus import Bus, Counted, running, until
from tests.events.failures.observing import drained, sequences
from tests.events.process import start

Make = Callable[..., Awaitable[Bus]]


async def test_a_key_is_published_in_order_and_always_to_the_same_partition(bus: Bus) -> None:
    async with running(bus.relay()):
        for number in range(30):
            await bus.append(*(bus.counted(name=f"key-{key}", number=number) for key in range(7)))
        await until(drained(bus))
    assert await sequences(bus) == {f"key-{key}": list(range(30)) for key in range(7)}
    partitions: dict[bytes, set[int]] = {}
    for record in await bus.records():
        partitions.setdefault(record.key, set()).add(record.partition)
    assert all(len(found) == 1 for found in partitions.values())
    archived = await bus.fetch("SELECT key, partition, log_offset FROM outbox_sent")
    assert {(row["key"].encode(), row["partition"], row["log_offset"]) for row in archived} == {
        (record.key, record.partition, record.offset) for record in await bus.records()
    }


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
    assert await sequences(bus) == {"a": [1, 2, 3]}


async def test_a_batch_that_the_broker_finds_too_large_is_sent_in_smaller_ones(make_bus: Make) -> None:
    """Without the smaller batches a topic whose limit is below ours is never written to again."""
    bus = await make_bus(partitions=1)
    async with kafka.admin(bus.bootstrap) as admin:
        limit = ConfigResource(ConfigResourceType.TOPIC, bus.topic.name, configs={"max.message.bytes": "20000"})
        await admin.alter_configs([limit])
    await bus.append(*(bus.counted(name=f"{number:01000}", number=number) for number in range(100)))
    async with running(bus.relay()):
        await until(drained(bus))
    assert [bus.counted.model_validate_json(record.value).number for record in await bus.records()] == list(range(100))


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
