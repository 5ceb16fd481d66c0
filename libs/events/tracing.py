"""Spans and trace contexts of the bus, by the OpenTelemetry messaging conventions. API only: no SDK, no exporter.

An event carries the context in which it was created; nobody replaces it on the way. Work on batches has one span that
links to its messages. Messages of sampled journeys get a span of their own, whose parent is the creation context, so
that a journey is one tree over all services; unsampled ones cost nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from opentelemetry import trace

from libs.events.batch import Batch, Incoming

LINKS_MAX = 128
"""As many links as the SDK keeps by default."""

_tracer = trace.get_tracer("enlace.events")


def current() -> tuple[str | None, str | None]:
    """Traceparent and tracestate of the current span, or None for both outside of any trace."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return traceparent_of(context), context.trace_state.to_header() or None


def traceparent_of(context: trace.SpanContext) -> str:
    """The W3C header of a span's context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def sampled(traceparent: str | None) -> bool:
    """Whether there is a trace and it is recorded."""
    return traceparent is not None and traceparent[-1] in "13579bdf"


def context_of(traceparent: str) -> trace.SpanContext:
    """The remote span context that a valid traceparent names."""
    return trace.SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(traceparent[53:55], 16)),
    )


@contextmanager
def sending(rows: Sequence[Any]) -> Iterator[None]:
    """A `send` span around one batch of outbox rows, linked to their creation; none if no row is sampled."""
    # Told apart as texts: a span context can't be hashed.
    traceparents = dict.fromkeys(row["traceparent"] for row in rows if sampled(row["traceparent"]))
    if not traceparents:
        yield
        return
    topics = {row["topic"] for row in rows}
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": len(rows),
    }
    if len(topics) == 1:
        attributes["messaging.destination.name"] = next(iter(topics))
    name = f"send {next(iter(topics))}" if len(topics) == 1 else "send"
    links = [trace.Link(context_of(traceparent)) for traceparent in islice(traceparents, LINKS_MAX)]
    with _tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes, links=links):
        yield


@contextmanager
def processing(topic: str, group: str, batch: Batch) -> Iterator[None]:
    """A `process` span around one batch, linked to its sampled messages, and a span for each of those.

    A sampled message's own span has the creation context as its parent, and takes its place in `Received.traceparent`:
    what handlers store with it, and append for it, hangs below this hop.
    """
    items = [item for part in batch.parts for item in part.items if isinstance(item, Incoming)]
    marked = [(item, parent) for item in items if (parent := item.received.traceparent) and sampled(parent)]
    links = [trace.Link(context_of(traceparent)) for _, traceparent in marked[:LINKS_MAX]]
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.consumer.group.name": group,
    }
    of_batch = attributes | {"messaging.batch.message_count": batch.record_count}
    if len(batch.parts) == 1:
        of_batch["messaging.destination.partition.id"] = str(batch.parts[0].partition.number)
    name = f"process {topic}"
    kind = trace.SpanKind.CONSUMER
    with _tracer.start_as_current_span(name, kind=kind, attributes=of_batch, links=links) as span:
        link = trace.Link(span.get_span_context())
        own = [_message_span(name, item, context_of(traceparent), attributes, link) for item, traceparent in marked]
        try:
            yield
        finally:
            for message_span in own:
                message_span.end()


def _message_span(
    name: str, item: Incoming, created_in: trace.SpanContext, attributes: Mapping[str, str | int], link: trace.Link
) -> trace.Span:
    parent = trace.set_span_in_context(trace.NonRecordingSpan(created_in))
    span = _tracer.start_span(name, parent, trace.SpanKind.CONSUMER, attributes, [link])
    if span.is_recording():
        received = item.received
        span.set_attribute("messaging.message.id", received.id)
        span.set_attribute("messaging.destination.partition.id", str(item.record.partition))
        span.set_attribute("messaging.kafka.offset", item.record.offset)
        span.set_attribute("cloudevents.event_type", received.event.type)
        item.received = replace(received, traceparent=traceparent_of(span.get_span_context()))
    return span
