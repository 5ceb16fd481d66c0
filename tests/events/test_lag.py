"""How far a consumer is behind, in events and seconds; the seconds grow while nothing moves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import asyncpg
import pytest

from libs.events.handling.batch import identity_of
from libs.events.handling.partitions import CLEAR_SECONDS, Partition
from libs.events.kafka import Record
from libs.events.lag import lag_of
from libs.events.topics import Topic
from tests.events.bus import Bus, event_headers, running, until
from tests.events.recording import Metrics, Seen, recorded_metrics

HOUR = 3600.0


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metrics]:
    with recorded_metrics(monkeypatch) as found:
        yield found


async def test_lag_of_a_stopped_partition_is_the_age_of_its_next_record(bus: Bus, recorded: Metrics) -> None:
    """Clearing `oldest_ms` with the buffer, as a lag told from the buffer alone does, makes it 0."""
    seen = Seen(recorded)
    await _send_from_an_hour_ago(bus, 12)
    consumer = bus.consumer(bus.subscriptions(poison=lambda _: True))
    async with running(consumer):
        await seen.until_it_is("consumer.stopped_partitions", 1)
        first = seen.of("consumer.lag.age", partition_id="0")
        assert HOUR <= first < HOUR + 120
        await until(lambda: _grown(seen, first))
        await seen.until_it_is("consumer.lag", 12, partition_id="0")
        assert seen.of("consumer.lag.age", partition_id="1") == 0
    # Without a client it goes on telling of what it had last.
    assert {one.number for one in consumer.backlogs()} == {0, 1, 2}
    assert seen.of("consumer.lag.age", partition_id="0") > first


async def test_lag_of_a_quiet_partition_is_proven_to_be_none_again_and_again(bus: Bus) -> None:
    """Without `clear` in the watchdog nothing but an event would end the growth of a partition that has none."""
    await bus.append(bus.counted(name="a", number=1))
    consumer = bus.consumer()

    async def handled() -> bool:
        return len(await bus.effects()) == 1

    async def proven() -> bool:
        return all(one.lag_age() == 0 for one in consumer.backlogs())

    async with running(bus.relay(), consumer):
        await until(handled)
        for one in consumer.backlogs():
            one.clear_at -= 300
        assert not await proven()
        await until(proven)


async def _grown(seen: Seen, first: float) -> bool:
    return seen.of("consumer.lag.age", partition_id="0") > first


async def _send_from_an_hour_ago(bus: Bus, count: int) -> None:
    async with bus.producer() as producer:
        for number in range(count):
            await producer.send_and_wait(
                bus.topic.name,
                b'{"name":"a","number":%d}' % number,
                key=b"%d" % number,
                partition=0,
                headers=event_headers("thing.counted.v1"),
                timestamp_ms=int((time.time() - HOUR) * 1000),
            )


async def test_lag_of_a_consumer_that_does_not_run_is_told_from_outside(bus: Bus) -> None:
    """Without reading the record at the position there is only a number of events."""
    await _send_from_an_hour_ago(bus, 3)
    await bus.fetch(
        "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset)"
        " SELECT $1, $2, partition, 1 - partition FROM generate_series(0, 1) AS partition",
        bus.group,
        bus.topic.name,
    )
    connection = await asyncpg.connect(bus.dsn)
    try:
        behind, even = await lag_of(connection, bus.bootstrap)
    finally:
        await connection.close()
    assert (behind.records, even.records) == (2, 0)
    assert behind.seconds is not None
    assert HOUR <= behind.seconds < HOUR + 120
    assert even.seconds == 0


def partition(*, end: int | None, position: int, proven_ago: float) -> Partition:
    one = Partition(Topic("topic"), 0)
    one.next_offset, one.end, one.clear_at = position, end, time.time() - proven_ago
    return one


def test_lag_of_a_partition_that_is_not_fetched_grows_from_when_nothing_was_known_to_wait() -> None:
    assert partition(end=9, position=4, proven_ago=300).lag() == 5
    assert 300 <= partition(end=9, position=4, proven_ago=300).lag_age() < 310


def test_the_age_of_what_was_fetched_is_still_known_when_the_partition_stops_and_drops_it() -> None:
    """Without `_drop_buffer` it begins again at 0."""
    one = partition(end=9, position=4, proven_ago=0)
    one.admit(4, last_event_id=None)
    hour_ago = int((time.time() - HOUR) * 1000)
    record = Record("topic", 0, 4, hour_ago, 0, b"a", b"{}", None, 1, 2, ())
    assert one.take_in([record], identity_of)
    assert HOUR <= one.lag_age() < HOUR + 60
    one.stop("a person must look")
    assert HOUR <= one.lag_age() < HOUR + 60
    one.readmit()
    one.admit(4, last_event_id=None)
    assert HOUR <= one.lag_age() < HOUR + 60
    one.admit(5, last_event_id=None)
    assert one.lag_age() == 0


def test_where_kafka_cannot_be_asked_a_partition_counts_as_behind() -> None:
    """`end` is as old as the last answer: it proves nothing."""
    assert 300 <= partition(end=4, position=4, proven_ago=300).lag_age() < 310


def test_a_proof_holds_until_the_next_two_are_missed_and_a_commit_up_to_the_end_is_one() -> None:
    assert partition(end=4, position=4, proven_ago=CLEAR_SECONDS / 2).lag_age() == 0
    one = partition(end=9, position=4, proven_ago=300)
    one.moved(9, one.limit)
    assert one.lag_age() == 0


def test_a_consumer_without_a_client_tells_of_what_it_had_last(bus: Bus) -> None:
    """The gauges are read when metrics are collected, whatever the consumer is doing then."""
    consumer = bus.consumer()
    assert list(consumer.backlogs()) == []
    consumer._backlogs = [partition(end=9, position=4, proven_ago=300)]
    assert [one.lag() for one in consumer.backlogs()] == [5]
