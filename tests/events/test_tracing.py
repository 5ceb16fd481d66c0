"""One trace per journey through outbox, relay and consumer; spans by the OpenTelemetry messaging conventions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import outbox
from libs.events.event import Received
from libs.events.observing import tracing
from libs.events.postgres import raw
from libs.events.subscriptions import Subscriptions
from tests.events.bus import Bus, event_headers, running, until
from tests.events.process import start
from tests.events.recording import Spans, recorded_spans

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c803bbb-b7ad6b7169203331-00"
STATE = "vendor=opaque,other=1"
CONVENTIONS = yaml.safe_load((Path(__file__).parent / "data" / "otel_messaging.yaml").read_text(encoding="utf-8"))

LEFT_OUT = {
    "messaging.kafka.message.key": "a key can name a person",
    "messaging.destination.template": "topics have fixed names",
    "messaging.message.conversation_id": "a journey is its trace",
    "messaging.kafka.message.tombstone": "tombstones have no handler",
    "messaging.kafka.cluster.id": "aiokafka doesn't tell it",
    "messaging.client.id": "the resource's service.instance.id names the process",
    "server.address": "one batch goes to several brokers",
    "server.port": "one batch goes to several brokers",
    "network.peer.address": "one batch goes to several brokers",
    "network.peer.port": "one batch goes to several brokers",
}
OF_ONE_MESSAGE = {"messaging.message.id", "messaging.kafka.offset", "messaging.destination.partition.id"}
OF_A_BATCH = {"messaging.batch.message_count"}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    with recorded_spans(monkeypatch) as found:
        yield found


async def deliver(bus: Bus, subscriptions: Subscriptions, count: int) -> None:
    async with running(bus.relay(), bus.consumer(subscriptions)):
        await until(lambda: moved(bus, count))


async def moved(bus: Bus, count: int) -> bool:
    rows = await bus.fetch("SELECT coalesce(sum(next_offset), 0)::int AS total FROM consumer_position")
    return bool(rows[0]["total"] == count)


def noting(bus: Bus, seen: list[Received[Any]]) -> Subscriptions:
    subscriptions = Subscriptions(bus.group)

    @subscriptions.on(bus.counted)
    async def note(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        seen.extend(batch)

    return subscriptions


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def traceparent_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return tracing.traceparent_of(context)


async def test_a_sampled_event_is_one_tree_from_its_creation_over_each_hop(bus: Bus, spans: Spans) -> None:
    """Without the create span the hop hangs below the journey's span; without `replace` the next one beside this."""
    seen: list[Received[Any]] = []
    subscriptions = noting(bus, seen)

    @subscriptions.before_batch
    async def pass_on(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        following = [bus.renamed(name=received.key, number=received.event.number) for received in batch]
        await outbox.append(
            session,
            following,
            traceparents=[received.traceparent for received in batch],
            tracestates=[received.tracestate for received in batch],
        )

    async with bus.database.transaction() as session:
        events = [bus.counted(name="a", number=1), bus.counted(name="a", number=2)]
        await outbox.append(session, events, traceparents=[SAMPLED, UNSAMPLED], tracestates=[STATE, None])
    await deliver(bus, subscriptions, 4)
    first, second = spans.named(f"create {bus.topic.name}")
    (hop,) = spans.parented(f"process {bus.topic.name}")
    chain = [first, hop, second]
    assert [format(span.parent.span_id, "016x") for span in chain if span.parent is not None] == [
        SAMPLED[36:52],
        traceparent_of(first)[36:52],
        traceparent_of(hop)[36:52],
    ]
    assert {traceparent_of(span)[3:35] for span in chain} == {SAMPLED[3:35]}
    # What the handler stores and appends hangs below this hop; an unsampled trace is passed on as it is.
    assert [received.traceparent for received in seen] == [traceparent_of(hop), UNSAMPLED]
    headers = [dict(record.headers) for record in await bus.records()]
    following = [found for found in headers if found["ce_type"] == b"thing.renamed.v1"]
    assert [found["ce_traceparent"].decode() for found in following] == [traceparent_of(second), UNSAMPLED]
    assert [found.get("ce_tracestate") for found in following] == [STATE.encode(), None]


async def test_spans_are_as_the_conventions_want_them(bus: Bus, spans: Spans) -> None:
    """Leaving an attribute out of `metrics.messaging`, or setting the key, fails here."""
    await bus.append(bus.counted(name="a key", number=7), traceparents=[SAMPLED])
    await deliver(bus, bus.subscriptions(), 1)
    topic = bus.topic.name
    (batch,) = [span for span in spans.named(f"process {topic}") if span.parent is None]
    (of_one,) = spans.parented(f"process {topic}")
    for operation, name, single, multiple in (
        ("create", f"create {topic}", spans.named(f"create {topic}"), []),
        ("send", f"send {topic}", [], spans.named(f"send {topic}")),
        ("process", f"process {topic}", [of_one], [batch]),
        ("settle", f"commit {topic}", [], spans.named(f"commit {topic}")),
    ):
        wanted = CONVENTIONS["spans"][operation]
        assert single or multiple, operation
        for span in (*single, *multiple):
            found = attributes(span)
            assert span.name == name
            assert span.kind is SpanKind[wanted["kind"].upper()]
            assert found["messaging.operation.type"] == operation
            assert name.startswith(found["messaging.operation.name"] + " ")
            told = {*wanted["required"], *wanted["conditionally_required"], *wanted["recommended"]}
            told -= LEFT_OUT.keys() | {"error.type"} | (OF_A_BATCH if span in single else OF_ONE_MESSAGE)
            if operation == "create":
                told -= {"messaging.destination.partition.id"}  # the relay chooses it
            assert told <= found.keys(), told - found.keys()
            ours = {key for key in found if key.startswith("messaging.")}
            assert ours <= CONVENTIONS["attributes"].keys()
            assert all(_fits(found[key], CONVENTIONS["attributes"][key]) for key in ours)
            assert "a key" not in found.values()
            assert not (LEFT_OUT.keys() & found.keys())
    assert {"create", "send", "process", "settle"} <= set(CONVENTIONS["operation_types"])


def _fits(value: object, type_: str) -> bool:
    return isinstance(value, {"int": int, "string": str, "boolean": bool}[type_])


async def test_batch_spans_link_to_the_creation_of_their_messages(bus: Bus, spans: Spans) -> None:
    traces = [SAMPLED.replace("319c", f"{number:04x}") for number in range(20)]
    await bus.append(*(bus.counted(name="a", number=number) for number in range(20)), traceparents=traces)
    await deliver(bus, bus.subscriptions(), 20)
    topic = bus.topic.name
    created = {traceparent_of(span)[36:52] for span in spans.named(f"create {topic}")}
    assert len(created) == 20
    batches = [span for span in spans.named(f"process {topic}") if span.parent is None]
    assert sum(attributes(span)["messaging.batch.message_count"] for span in batches) == 20
    for group in (batches, spans.named(f"send {topic}"), spans.named(f"commit {topic}")):
        assert {format(link.context.span_id, "016x") for span in group for link in span.links} == created
    own = {format(link.context.span_id, "016x") for span in spans.parented(f"process {topic}") for link in span.links}
    assert own == {traceparent_of(span)[36:52] for span in batches}


async def test_the_first_service_decides_what_is_sampled(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampler that would decide anew at each hop (`TraceIdRatioBased` alone) makes it fail."""
    with recorded_spans(monkeypatch, ParentBased(TraceIdRatioBased(0.0))) as found:
        await bus.append(bus.counted(name="a", number=1), traceparents=[SAMPLED])
        await deliver(bus, bus.subscriptions(), 1)
        (hop,) = found.parented(f"process {bus.topic.name}")
        assert traceparent_of(hop)[3:35] == SAMPLED[3:35]
    with recorded_spans(monkeypatch) as found:
        await bus.append(bus.counted(name="a", number=2), traceparents=[UNSAMPLED])
        await deliver(bus, bus.subscriptions(), 2)
        assert found.all() == []


async def test_an_event_without_a_trace_meets_its_first_service_here(bus: Bus, spans: Spans) -> None:
    current: list[bool] = []
    subscriptions = Subscriptions(bus.group)

    @subscriptions.on(bus.counted)
    async def note(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        current.append(trace.get_current_span().get_span_context().is_valid)

    await bus.append(bus.counted(name="a", number=1))
    await deliver(bus, subscriptions, 1)
    assert current == [True]
    assert [span.links for span in spans.named(f"process {bus.topic.name}")] == [()]


async def test_pitfall_15_a_journeys_trace_survives_a_relay_that_is_killed_and_another_that_goes_on(
    bus: Bus, spans: Spans
) -> None:
    """The consumer's span has the creation as its parent: with another span's id in what the relay sends it has not."""
    for number in range(3):
        await bus.append(bus.counted(name="a", number=number), traceparents=[SAMPLED])
    async with start("relay", bus) as relay:
        await until(lambda: archived(bus, 3))
        await bus.append(bus.counted(name="a", number=3), traceparents=[SAMPLED])
        relay.kill()
        await relay.wait()
    await bus.append(bus.counted(name="a", number=4), traceparents=[SAMPLED])
    async with start("relay", bus):
        await until(lambda: archived(bus, 5))
    async with running(bus.consumer()):
        await until(lambda: consumed_at_least(bus, 5))
    created = [traceparent_of(span) for span in spans.named(f"create {bus.topic.name}")]
    hops = spans.parented(f"process {bus.topic.name}")
    assert {format(span.parent.span_id, "016x") for span in hops if span.parent} == {one[36:52] for one in created}
    assert {traceparent_of(span)[3:35] for span in hops} == {SAMPLED[3:35]}


async def archived(bus: Bus, count: int) -> bool:
    return len(await bus.fetch("SELECT 1 FROM outbox_sent")) >= count


async def consumed_at_least(bus: Bus, count: int) -> bool:
    return len(await bus.effects()) >= count


async def test_a_handlers_error_marks_its_spans_by_type_and_never_by_text(bus: Bus, spans: Spans) -> None:
    """With the SDK's `record_exception` the text of the error, which may quote an event, would be in the span."""
    await bus.append(bus.counted(name="a", number=1), bus.counted(name="b", number=13), traceparents=[SAMPLED] * 2)
    await deliver(bus, bus.subscriptions(poison=lambda event: event.number == 13), 2)
    hops = spans.parented(f"process {bus.topic.name}")
    assert sorted(str(attributes(span).get("error.type")) for span in hops) == ["None", "ValueError"]
    assert {span.status.status_code for span in hops} == {StatusCode.UNSET, StatusCode.ERROR}
    assert [span.events for span in spans.all() if span.events] == []
    assert [span.status.description for span in spans.all() if span.status.description] == []


async def test_a_commit_that_fails_is_told_by_type_and_never_by_text(bus: Bus, spans: Spans) -> None:
    """With the SDK's `record_exception` PostgreSQL's text, which quotes the row, would be in the span."""
    await bus.fetch("CREATE TABLE thing (name text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    subscriptions = Subscriptions(bus.group)

    @subscriptions.on(bus.counted)
    async def remember(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        names = [received.key for received in batch]
        await (await raw(session)).execute("INSERT INTO thing SELECT unnest($1::text[])", names)

    await bus.append(bus.counted(name="Ana", number=1), bus.counted(name="Ana", number=2), traceparents=[SAMPLED] * 2)
    await deliver(bus, subscriptions, 2)
    failed, settled = spans.named(f"commit {bus.topic.name}")
    assert (failed.status.status_code, settled.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert attributes(failed)["error.type"] == "UniqueViolationError"
    assert "Ana" not in "".join(span.to_json() for span in spans.all())


async def test_tracestate_of_a_foreign_sender_reaches_the_handler_and_a_broken_one_does_not(bus: Bus) -> None:
    seen: list[Received[Any]] = []
    async with bus.producer() as producer:
        for number, state in enumerate((STATE, "x" * 600, "b\tad")):
            headers = event_headers("thing.counted.v1", traceparent=UNSAMPLED, tracestate=state)
            body = b'{"name":"a","number":%d}' % number
            await producer.send_and_wait(bus.topic.name, body, key=b"a", partition=0, headers=headers)
    async with running(bus.consumer(noting(bus, seen))):
        await until(lambda: moved(bus, 3))
    assert [received.tracestate for received in seen] == [STATE, None, None]


async def test_without_an_sdk_the_trace_goes_through_unchanged(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of the same run may have set up an SDK for the whole process.
    monkeypatch.setattr(tracing, "tracer", NoOpTracer())
    seen: list[Received[Any]] = []
    async with bus.database.transaction() as session:
        events = [bus.counted(name="a", number=1)]
        await outbox.append(session, events, traceparents=[SAMPLED], tracestates=[STATE])
    await deliver(bus, noting(bus, seen), 1)
    assert [(received.traceparent, received.tracestate) for received in seen] == [(SAMPLED, STATE)]


async def test_a_sampler_that_drops_everything_leaves_the_events_their_trace(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`OTEL_TRACES_SAMPLER=always_off` in one service: the journey goes on, recorded by the others."""
    seen: list[Received[Any]] = []
    with recorded_spans(monkeypatch, ALWAYS_OFF) as found:
        await bus.append(bus.counted(name="a", number=1), traceparents=[SAMPLED])
        await deliver(bus, noting(bus, seen), 1)
        assert found.all() == []
    assert [received.traceparent for received in seen] == [SAMPLED]
