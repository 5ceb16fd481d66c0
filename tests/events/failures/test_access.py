"""What Kafka doesn't allow is told exactly, and holds up nothing else: missing rules for topics and for the group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from libs.events import relay
from libs.events.consuming import membership
from libs.events.relaying import publishing
from libs.events.topics import Topic, check_topics, ensure_topics
from tests.events.bus import Bus, Counted, event_headers, running, until
from tests.events.conftest import Databases
from tests.events.failures.observing import bus_on, drained, effects, send
from tests.events.failures.servers import DESCRIBE, DESCRIBE_CONFIGS, GROUP, READ, TOPIC, WRITE, GuardedKafka


@pytest.fixture
async def bus(event_databases: Databases, guarded_kafka: GuardedKafka) -> AsyncIterator[Bus]:
    dsn = event_databases.take()
    async with bus_on(dsn, guarded_kafka.bootstrap, partitions=2) as made:
        yield made
    await event_databases.give_back(dsn)


async def test_a_topic_that_may_not_be_seen_is_not_called_missing(bus: Bus, guarded_kafka: GuardedKafka) -> None:
    """With any error taken for absence somebody makes a topic that is there."""
    await guarded_kafka.allow(TOPIC, bus.topic.name, DESCRIBE, principal="User:another")
    assert await check_topics(bus.bootstrap, [bus.topic]) == [
        f"topic {bus.topic.name} can't be seen: DESCRIBE is missing in its ACLs"
    ]
    await guarded_kafka.allow(TOPIC, bus.topic.name, DESCRIBE)
    assert await check_topics(bus.bootstrap, [bus.topic]) == [
        f"settings of topic {bus.topic.name} can't be read: DESCRIBE_CONFIGS is missing in its ACLs"
    ]


async def test_a_topic_that_may_not_be_read_stops_alone_and_goes_on_when_it_may(
    bus: Bus, guarded_kafka: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised instead of kept to its partitions, the refusal ends the membership again and again, for all topics."""
    monkeypatch.setattr(membership, "STOPPED_RETRY_SECONDS", 0.5)
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.5)
    await guarded_kafka.allow(TOPIC, bus.topic.name, DESCRIBE, DESCRIBE_CONFIGS, WRITE)
    await send(bus, 1, 2, 3)
    other = Topic(f"other-{uuid4()}", partitions=1)
    await ensure_topics(bus.bootstrap, [other])
    also: type[Counted] = type("Also", (Counted,), {"topic": other.name})
    subscriptions = bus.subscriptions()
    subscriptions.on(also)(subscriptions.handlers[0].call)
    async with bus.producer() as producer:
        value = also(name="b", number=1).model_dump_json().encode()
        await producer.send_and_wait(other.name, value, key=b"b", headers=event_headers(also.type))
    consumer = bus.consumer(subscriptions, topics={bus.topic.name: bus.topic, other.name: other})
    async with running(consumer):
        await until(effects(bus, 1))

        async def says_so() -> bool:
            why = str(consumer.why_unready())
            return bus.topic.name in why and "READ is missing in its ACLs" in why

        await until(says_so)
        assert len(await bus.effects()) == 1
        await guarded_kafka.allow(TOPIC, bus.topic.name, READ)
        await until(effects(bus, 4))

        async def ready() -> bool:
            return consumer.why_unready() is None

        await until(ready)


async def test_a_group_that_may_not_be_joined_is_named(bus: Bus, guarded_kafka: GuardedKafka) -> None:
    """With the error's type alone nobody knows which of Kafka's rules is missing."""
    await guarded_kafka.allow(GROUP, bus.group, DESCRIBE)
    await send(bus, 1)
    consumer = bus.consumer()
    async with running(consumer):

        async def says_so() -> bool:
            why = f"Kafka does not let this service into group {bus.group} (READ is missing in its ACLs)"
            return consumer.why_unready() == why

        await until(says_so)
        await guarded_kafka.allow(GROUP, bus.group, READ)
        await until(effects(bus, 1))
        assert consumer.why_unready() is None


async def test_r7_a_topic_that_may_not_be_written_holds_up_itself_and_no_other(
    bus: Bus, guarded_kafka: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised instead of kept to its topic, the refusal replaces the producer again and again, for all topics."""
    monkeypatch.setattr(relay, "BLOCK_SECONDS", 1.0)
    monkeypatch.setattr(publishing, "METADATA_SECONDS", 1.0)
    denied = Topic(f"denied-{uuid4()}", partitions=1)
    await ensure_topics(bus.bootstrap, [denied])
    await guarded_kafka.allow(TOPIC, denied.name, DESCRIBE, DESCRIBE_CONFIGS)
    also: type[Counted] = type("Also", (Counted,), {"topic": denied.name})
    await bus.append(also(name="a", number=1), bus.counted(name="a", number=1))
    one = bus.relay(topics={bus.topic.name: bus.topic, denied.name: denied})
    async with running(one):

        async def the_other_is_out() -> bool:
            return [row["topic"] for row in await bus.fetch("SELECT topic FROM outbox")] == [denied.name]

        await until(the_other_is_out)
        assert one.why_unready() == f"1 blocked, first in topic {denied.name}: WRITE is missing in its ACLs"
        await guarded_kafka.allow(TOPIC, denied.name, WRITE)
        await until(drained(bus))
        assert one.why_unready() is None
