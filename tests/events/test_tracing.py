"""One trace per journey through outbox, relay and consumer; spans by the OpenTelemetry messaging conventions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, SpanKind
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import outbox, tracing
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from tests.events.bus import Bus, running, until
from tests.events.process import start

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c803bbb-b7ad6b7169203331-00"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What the bus records, as with an SDK that records everything."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("enlace.events"))
    yield exporter
    provider.shutdown()


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


async def deliver(bus: Bus, subscriptions: Subscriptions, count: int) -> None:
    async with running(bus.relay(), bus.consumer(subscriptions)):

        async def there() -> bool:
            rows = await bus.fetch("SELECT coalesce(sum(next_offset), 0)::int AS total FROM consumer_position")
            return bool(rows[0]["total"] == count)

        await until(there)


async def test_a_sampled_event_has_a_span_of_its_own_below_its_creation(
    bus: Bus, exporter: InMemorySpanExporter
) -> None:
    seen: list[str | None] = []
    subscriptions = Subscriptions(bus.group)

    @subscriptions.on(bus.counted)
    async def pass_on(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        seen.extend(received.traceparent for received in batch)
        following = [bus.renamed(name=received.key, number=received.event.number) for received in batch]
        await outbox.append(session, following, traceparents=[received.traceparent for received in batch])

    await bus.append(
        bus.counted(name="a", number=1), bus.counted(name="a", number=2), traceparents=[SAMPLED, UNSAMPLED]
    )
    await deliver(bus, subscriptions, 4)
    own = [span for span in named(exporter, f"process {bus.topic.name}") if span.parent is not None]
    (message,) = [span for span in own if format(span.parent.span_id, "016x") == SAMPLED[36:52]]  # type: ignore[union-attr]
    assert message.kind is SpanKind.CONSUMER
    assert message.attributes is not None
    assert message.attributes["messaging.system"] == "kafka"
    assert message.attributes["messaging.operation.type"] == "process"
    assert message.attributes["messaging.consumer.group.name"] == bus.group
    assert "messaging.kafka.message.key" not in message.attributes
    # What the handler stores and appends hangs below this hop; an unsampled trace is passed on as it is.
    context = message.get_span_context()
    assert context is not None
    assert seen == [tracing.traceparent_of(context), UNSAMPLED]
    following = [record for record in await bus.records() if (b"thing.renamed.v1" in dict(record.headers)["ce_type"])]
    assert [dict(record.headers)["ce_traceparent"].decode() for record in following] == seen


async def test_a_batch_has_one_span_that_links_to_its_messages(bus: Bus, exporter: InMemorySpanExporter) -> None:
    traces = [SAMPLED.replace("319c", f"{number:04x}") for number in range(20)]
    await bus.append(*(bus.counted(name="a", number=number) for number in range(20)), traceparents=traces)
    await deliver(bus, bus.subscriptions(), 20)
    batches = [span for span in named(exporter, f"process {bus.topic.name}") if span.parent is None]
    linked = {format(link.context.trace_id, "032x") for span in batches for link in span.links}
    assert linked == {trace[3:35] for trace in traces}
    assert sum(span.attributes["messaging.batch.message_count"] for span in batches if span.attributes) == 20  # type: ignore[misc]
    sends = named(exporter, f"send {bus.topic.name}")
    assert {span.kind for span in sends} == {SpanKind.CLIENT}
    assert {format(link.context.trace_id, "032x") for span in sends for link in span.links} == linked


async def test_a_journeys_trace_survives_a_relay_that_is_restarted(bus: Bus) -> None:
    await bus.append(bus.counted(name="a", number=1), traceparents=[SAMPLED])
    async with start("relay", bus):

        async def out() -> bool:
            return not await bus.fetch("SELECT 1 FROM outbox")

        await until(out)
    (record,) = await bus.records()
    headers = dict(record.headers)
    assert headers["ce_traceparent"] == headers["traceparent"] == SAMPLED.encode()


async def test_without_an_sdk_the_trace_goes_through_unchanged(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of the same run may have set up an SDK for the whole process.
    monkeypatch.setattr(tracing, "_tracer", NoOpTracer())
    seen: list[str | None] = []
    subscriptions = Subscriptions(bus.group)

    @subscriptions.on(bus.counted)
    async def note(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        seen.extend(received.traceparent for received in batch)

    await bus.append(bus.counted(name="a", number=1), traceparents=[SAMPLED])
    await deliver(bus, subscriptions, 1)
    assert seen == [SAMPLED]
