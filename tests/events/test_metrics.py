"""Every instrument tells what its description says, and at the right moment; lag grows while nothing moves."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from opentelemetry.metrics import Counter, Histogram, Instrument, ObservableGauge
from opentelemetry.sdk.metrics import Histogram as RecordedHistogram

from libs.events import metrics
from libs.events.batch import identity_of
from libs.events.kafka import Record
from libs.events.lag import lag_of
from libs.events.partitions import CLEAR_SECONDS, Partition
from libs.events.topics import Topic
from tests.events.bus import Bus, event_headers, running, until
from tests.events.recording import Metrics, recorded_metrics

ROOT = Path(__file__).parents[2]
CONVENTIONS = yaml.safe_load((Path(__file__).parent / "data" / "otel_messaging.yaml").read_text(encoding="utf-8"))
HOUR = 3600.0


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metrics]:
    with recorded_metrics(monkeypatch) as found:
        yield found


def instruments() -> dict[str, Any]:
    """By the name in code; to be called where `recorded` is in place: those of the API alone don't tell their name."""
    return {name: value for name, value in vars(metrics).items() if isinstance(value, Instrument)}


class Seen:
    """Sums and latest values over several readings: what wasn't set since the last one isn't told again."""

    def __init__(self, recorded: Metrics) -> None:
        self._recorded = recorded
        self.values: dict[str, dict[tuple[tuple[str, Any], ...], float]] = {}
        self.highest: dict[str, float] = {}

    def look(self) -> None:
        """Read once more."""
        for name, points in self._recorded.read().items():
            for attributes, point in points:
                value = point.value if hasattr(point, "value") else point.count
                self.values.setdefault(name, {})[tuple(sorted(attributes.items()))] = value
                self.highest[name] = max(self.highest.get(name, 0.0), value)

    def of(self, name: str, /, **wanted: object) -> float:
        """The sum over the points whose attributes end in these names with these values."""
        self.look()
        found = self.values.get(name, {})
        return sum(value for key, value in found.items() if wanted.items() <= _short(key).items())


def _short(key: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {"_".join(name.split(".")[-2:]): value for name, value in key}


async def test_a_run_with_everything_in_it_moves_every_instrument(bus: Bus, recorded: Metrics) -> None:
    """Each line below failed when the recording of its instrument was taken out."""
    seen = Seen(recorded)
    names = {one.name for one in instruments().values()}
    await _a_consumer_with_wrong_topics(bus, seen)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(5)))
    await bus.append(bus.counted(name="b", number=13))
    async with running(bus.relay(), bus.consumer(bus.subscriptions(poison=lambda event: event.number == 13))):
        await _until_seen(seen, "consumer.events", 5, enlace_result="handled")
        await _until_seen(seen, "consumer.parked_keys", 1)
        await _move_back(bus, "a")
        await bus.append(bus.counted(name="a", number=6))
        await _until_seen(seen, "consumer.events", 6, enlace_result="handled")
        await _until_seen(seen, "consumer.lag", 0)
    topic = bus.topic.name
    assert seen.highest["outbox.pending"] == 6
    assert 0 < seen.highest["outbox.oldest_age"] < HOUR
    assert seen.of("outbox.blocked_keys") == 0
    assert seen.of("relay.published") == 7
    assert seen.of("messaging.client.sent.messages", destination_name=topic) == 7
    assert seen.of("relay.round") == seen.of("relay.batch.size") >= 2
    assert seen.of("messaging.client.operation.duration", operation_type="send") == seen.of("relay.round")
    assert seen.of("messaging.client.operation.duration", operation_type="settle") == seen.of("consumer.batch.size")
    # The batch with the poison ran twice: once whole, once carefully; that with the fence ran again.
    failed = [value for key, value in seen.values["messaging.process.duration"].items() if "error.type" in dict(key)]
    assert sum(failed) == seen.of("consumer.batch.retries", enlace_cause="event") + seen.of("consumer.fence.rejections")
    assert seen.of("messaging.process.duration") == seen.of("consumer.batch.size") + sum(failed)
    assert seen.of("consumer.event.age") == seen.of("consumer.batch.size")
    assert seen.of("consumer.fence.rejections") == 1
    assert seen.of("consumer.batch.retries", enlace_cause="event") == 1
    assert seen.of("consumer.events", enlace_result="duplicate") == 1
    assert seen.of("consumer.events", enlace_result="parked") == 1
    assert seen.of("messaging.client.consumed.messages", destination_name=topic) >= 8
    assert seen.of("client.rebuilds", enlace_client="consumer", error_type="TopicsError") == 1
    assert seen.of("consumer.lag.age") == seen.of("consumer.stopped_partitions") == 0
    assert seen.values.keys() == names


async def _until_seen(seen: Seen, name: str, value: float, /, **wanted: object) -> None:
    async def so() -> bool:
        return seen.of(name, **wanted) == value and name in seen.values

    await until(so, seconds=40)


async def _a_consumer_with_wrong_topics(bus: Bus, seen: Seen) -> None:
    wrong = {bus.topic.name: Topic(bus.topic.name, partitions=7)}
    async with running(bus.consumer(topics=wrong)):
        await _until_seen(seen, "client.rebuilds", 1)


async def _move_back(bus: Bus, key: str) -> None:
    """As if another processor had been here: its batch meets the fence, and then an event that it knows."""
    records = [record for record in await bus.records() if record.key == key.encode()]
    await bus.fetch(
        "UPDATE consumer_position SET next_offset = $1, last_event_id = NULL WHERE partition = $2",
        records[-1].offset,
        records[-1].partition,
    )


async def test_a_refused_event_counts_as_blocked_and_not_as_sent(
    bus: Bus, recorded: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(recorded)
    monkeypatch.setattr("libs.events.publishing.BATCH_BYTES", 4_096 + 100)
    await bus.append(bus.counted(name="x" * 200, number=1))
    async with running(bus.relay()):
        await _until_seen(seen, "outbox.blocked_keys", 1)
    assert seen.of("messaging.client.sent.messages", destination_name=bus.topic.name) == 0


async def test_lag_of_a_stopped_partition_is_the_age_of_its_next_record(bus: Bus, recorded: Metrics) -> None:
    """Clearing `oldest_ms` with the buffer, as a lag told from the buffer alone does, makes it 0."""
    seen = Seen(recorded)
    await _send_from_an_hour_ago(bus, 12)
    consumer = bus.consumer(bus.subscriptions(poison=lambda _: True))
    async with running(consumer):
        await _until_seen(seen, "consumer.stopped_partitions", 1)
        first = seen.of("consumer.lag.age", partition_id="0")
        assert HOUR <= first < HOUR + 120
        await until(lambda: _grown(seen, first))
        await _until_seen(seen, "consumer.lag", 12, partition_id="0")
        assert seen.of("consumer.lag.age", partition_id="1") == 0


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


def test_every_instrument_says_what_it_means_in_one_line_and_is_recorded_somewhere(recorded: Metrics) -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "libs" / "events").glob("*.py")
        if path.name != "metrics.py"
    )
    assert "metrics.watch(self)" in code
    for name, one in instruments().items():
        assert re.fullmatch(r"[A-Z][^\n]{20,150}\.", one.description), one.name
        assert one.unit
        assert isinstance(one, ObservableGauge) or re.search(rf"metrics\.{name}\.(add|set|record)\(", code), one.name


def test_names_of_the_conventions_are_used_as_they_are_meant(recorded: Metrics) -> None:
    ours = {one.name: one for one in instruments().values() if one.name.startswith("messaging.")}
    assert ours.keys() == CONVENTIONS["metrics"].keys()
    for name, wanted in CONVENTIONS["metrics"].items():
        kind = {"histogram": Histogram, "counter": Counter}[wanted["instrument"]]
        assert isinstance(ours[name], kind)
        assert ours[name].unit == wanted["unit"]
    assert {"messaging.system", "messaging.operation.name"} <= metrics.messaging("send", "send").keys()


def test_durations_have_buckets_of_seconds(recorded: Metrics) -> None:
    """The SDK's own begin at 5: every batch would be in the first one."""
    durations = [one for one in instruments().values() if isinstance(one, RecordedHistogram) and one.unit == "s"]
    assert len(durations) == 4
    for one in durations:
        one.record(0.03)
    found = recorded.read()
    assert {found[one.name][0][1].explicit_bounds for one in durations} == {metrics.SECONDS}


def test_the_operators_table_has_every_instrument_with_its_meaning(recorded: Metrics) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Traces and metrics of the event bus")
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    assert sorted(rows) == sorted((one.name, one.unit, one.description) for one in instruments().values())
