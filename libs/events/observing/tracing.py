"""Spans and trace contexts of the bus, as in the messaging conventions of OpenTelemetry. Uses its API, not the SDK.

| span | kind | when | parent | links |
|---|---|---|---|---|
| `create <topic>` | PRODUCER | an event of a sampled journey is appended | the journey's stored or current span | - |
| `send <topic>` | CLIENT | the relay sends a batch | none | its events' creations |
| `process <topic>` | CONSUMER | a batch is handled | none | its events' creations |
| `process <topic>` | CONSUMER | one event of it, if sampled | the event's creation | the batch's span |
| `commit <topic>` | CLIENT | settles a batch: positions and effects commit | the batch's span | its events' creations |

An event contains the context in which it was created. No later step replaces it, so a journey is one tree over all
services, even if processes were restarted in between. The first service decides which journeys are sampled. A journey
that is not sampled has no spans here; a sampled one always has them. Spans contain no keys and no payloads, and of
errors only the type.
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
"""The number of links that the SDK keeps by default."""

tracer = trace.get_tracer("enlace.events")


def current() -> tuple[str | None, str | None]:
    """Traceparent and tracestate of the current span; None for both if there is no trace."""
    return texts_of(trace.get_current_span().get_span_context())


def texts_of(context: trace.SpanContext) -> tuple[str | None, str | None]:
    """Traceparent and tracestate of a span's context; None for both if the context is not valid."""
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
    """The creation context of one event: that of a new `create` span below the given span if the trace is sampled,
    otherwise the given one.

    The event carries this context to its consumers.
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
    """A `send` span around one batch of outbox rows, linked to their creation. No span if no row is sampled."""
    # Compared as texts, because a span context cannot be hashed.
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
    """Mark a span as failed. Of an exception only the type is recorded, because its text may quote an event."""
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
    """The current span until the block ends. Exceptions are recorded here, because the SDK would also record their
    texts."""
    span = tracer.start_span(name, parent, kind, attributes, links)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except Exception as error:
            fail(span, error)
            raise
