"""Spans and trace contexts of the bus, by the OpenTelemetry messaging conventions. API only: no SDK, no exporter.

| span | kind | when | parent | links |
|---|---|---|---|---|
| `create <topic>` | PRODUCER | an event of a sampled journey is appended | the journey's stored or current span | - |
| `send <topic>` | CLIENT | the relay sends a batch | none | its events' creations |
| `process <topic>` | CONSUMER | a batch is handled | none | its events' creations |
| `process <topic>` | CONSUMER | one event of it, if sampled | the event's creation | the batch's span |
| `commit <topic>` | CLIENT | settles a batch: positions and effects commit | the batch's span | its events' creations |

An event carries the context in which it was created; nobody replaces it on the way, so a journey is one tree over all
services, whatever was restarted in between. The first service decides what is sampled: an unsampled journey costs
nothing here, a sampled one always gets its spans. Spans hold neither keys nor payloads, and of errors the type only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, TraceState

from libs.events.observing.metrics import messaging

LINKS_MAX = 128
"""As many links as the SDK keeps by default."""

tracer = trace.get_tracer("enlace.events")


def current() -> tuple[str | None, str | None]:
    """Traceparent and tracestate of the current span, or None for both outside of any trace."""
    return texts_of(trace.get_current_span().get_span_context())


def texts_of(context: trace.SpanContext) -> tuple[str | None, str | None]:
    """Traceparent and tracestate of a span's context, None for both where it is none."""
    if not context.is_valid:
        return None, None
    return traceparent_of(context), context.trace_state.to_header() or None


def traceparent_of(context: trace.SpanContext) -> str:
    """The W3C header of a span's context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def sampled(traceparent: str | None) -> bool:
    """Whether there is a trace and it is recorded."""
    return traceparent is not None and traceparent[-1] in "13579bdf"


def context_of(traceparent: str, tracestate: str | None = None) -> trace.SpanContext:
    """The remote span context that a valid traceparent names."""
    return trace.SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(traceparent[53:55], 16)),
        trace_state=TraceState.from_header([tracestate]) if tracestate else None,
    )


def creating(
    traceparent: str | None, tracestate: str | None, *, topic: str, event_id: str, event_type: str
) -> tuple[str | None, str | None]:
    """The creation context of one event below the given span: a `create` span's own if it is sampled, else the given.

    That context goes with the event to whoever handles it.
    """
    if traceparent is None or not sampled(traceparent):
        return traceparent, tracestate
    attributes = messaging("create", "create", topic=topic)
    attributes["messaging.message.id"] = event_id
    attributes["cloudevents.event_type"] = event_type
    parent = below(context_of(traceparent, tracestate))
    span = tracer.start_span(f"create {topic}", parent, SpanKind.PRODUCER, attributes)
    recorded = span.is_recording()
    span.end()
    return texts_of(span.get_span_context()) if recorded else (traceparent, tracestate)


@contextmanager
def sending(rows: Sequence[Any]) -> Iterator[trace.Span]:
    """A `send` span around one batch of outbox rows, linked to their creation; none if no row is sampled."""
    # Told apart as texts: a span context can't be hashed.
    traceparents = dict.fromkeys(row["traceparent"] for row in rows if sampled(row["traceparent"]))
    if not traceparents:
        yield trace.INVALID_SPAN
        return
    topics = {row["topic"] for row in rows}
    attributes = messaging("send", "send", topic=next(iter(topics)) if len(topics) == 1 else None)
    attributes["messaging.batch.message_count"] = len(rows)
    name = f"send {next(iter(topics))}" if len(topics) == 1 else "send"
    links = [trace.Link(context_of(traceparent)) for traceparent in islice(traceparents, LINKS_MAX)]
    with recorded_span(name, SpanKind.CLIENT, attributes, links, Context()) as span:
        yield span


def fail(span: trace.Span, error: str | BaseException) -> None:
    """Mark a span as failed; of an exception only the type is told: its text may quote an event."""
    error_type = error if isinstance(error, str) else type(error).__name__
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))


def below(parent: trace.SpanContext) -> Context:
    """The context in which a new span has `parent` as its parent."""
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


@contextmanager
def recorded_span(
    name: str, kind: SpanKind, attributes: Mapping[str, str | int], links: Sequence[trace.Link], parent: Context
) -> Iterator[trace.Span]:
    """The current span until the block ends. Not the SDK's own way to note exceptions: that would keep their text."""
    span = tracer.start_span(name, parent, kind, attributes, links)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except Exception as error:
            fail(span, error)
            raise
