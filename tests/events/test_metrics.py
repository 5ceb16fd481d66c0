"""Every instrument tells what its description says, and at the right moment; lag grows while nothing moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka.errors import OutOfOrderSequenceNumber
from opentelemetry.metrics import Counter, Histogram, Instrument, ObservableGauge
from opentelemetry.sdk.metrics import Histogram as RecordedHistogram

from libs.events.observing import metrics
from libs.events.relaying.publishing import Publisher
from libs.events.topics import Topic
from tests.events.bus import Bus, running
from tests.events.recording import Metrics, Seen, recorded_metrics

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


async def test_a_run_with_everything_in_it_moves_every_instrument(bus: Bus, recorded: Metrics) -> None:
    """Each line below failed when the recording of its instrument was taken out."""
    seen = Seen(recorded)
    names = {one.name for one in instruments().values()}
    await _a_consumer_with_wrong_topics(bus, seen)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(5)))
    await bus.append(bus.counted(name="b", number=13))
    async with running(bus.relay(), bus.consumer(bus.subscriptions(poison=lambda event: event.number == 13))):
        await seen.until_it_is("consumer.events", 5, enlace_result="handled")
        await seen.until_it_is("consumer.parked_keys", 1)
        await _move_back(bus, "a")
        await bus.append(bus.counted(name="a", number=6))
        await seen.until_it_is("consumer.events", 6, enlace_result="handled")
        await seen.until_it_is("consumer.lag", 0)
    topic = bus.topic.name
    assert seen.highest["outbox.pending"] == 6
    assert 0 < seen.highest["outbox.oldest_age"] < HOUR
    assert seen.of("outbox.blocked_keys") == 0
    assert seen.of("relay.published") == 7
    assert seen.of("messaging.client.sent.messages", destination_name=topic) == 7
    assert 2 <= seen.of("relay.retire") <= seen.of("relay.batch.size")
    assert seen.of("messaging.client.operation.duration", operation_type="send") == seen.of("relay.batch.size")
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
    # What strangers set off has tests of its own.
    assert seen.values.keys() == names - {"consumer.not_believed", "consumer.over_quota"}


async def _a_consumer_with_wrong_topics(bus: Bus, seen: Seen) -> None:
    wrong = {bus.topic.name: Topic(bus.topic.name, partitions=7)}
    async with running(bus.consumer(topics=wrong)):
        await seen.until_it_is("client.rebuilds", 1)


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
    monkeypatch.setattr("libs.events.relaying.publishing.BATCH_BYTES", 4_096 + 100)
    await bus.append(bus.counted(name="x" * 200, number=1))
    async with running(bus.relay()):
        await seen.until_it_is("outbox.blocked_keys", 1)
    assert seen.of("messaging.client.sent.messages", destination_name=bus.topic.name) == 0


async def test_a_producer_that_is_replaced_is_counted_and_what_it_failed_to_send_too(
    bus: Bus, recorded: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, enqueue = Seen(recorded), Publisher._enqueue

    class Failing:
        """aiokafka's producer after its sequence was lost."""

        async def send_batch(self, *_: object, **__: object) -> None:
            monkeypatch.setattr(Publisher, "_enqueue", enqueue)
            raise OutOfOrderSequenceNumber

    async def fail(self: Publisher, *arguments: Any) -> Any:
        monkeypatch.setattr(self, "_producer", Failing())
        return await enqueue(self, *arguments)

    monkeypatch.setattr(Publisher, "_enqueue", fail)
    await bus.append(bus.counted(name="a", number=1))
    async with running(bus.relay()):
        await seen.until_it_is("relay.published", 1)
    assert seen.of("client.rebuilds", enlace_client="producer", error_type="OutOfOrderSequenceNumber") == 1
    sent = {"destination_name": bus.topic.name}
    assert seen.of("messaging.client.sent.messages", **sent) == 2
    assert seen.of("messaging.client.sent.messages", error_type="OutOfOrderSequenceNumber", **sent) == 1


def test_every_instrument_says_what_it_means_in_one_line_and_is_recorded_somewhere(recorded: Metrics) -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "libs" / "events").rglob("*.py")
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
