"""Spans of a batch: one for the batch, one for each of its sampled events, and one for its COMMIT.

The table in `libs.events.observing.tracing` says which span has which parent and which links.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from libs.events.handling.batch import Batch, Incoming
from libs.events.observing import tracing
from libs.events.observing.metrics import Attributes, messaging


@dataclass(frozen=True, slots=True)
class Processing:
    """The spans of one batch. A batch without a sampled event has no spans."""

    span: trace.Span
    topic: str
    group: str
    links: Sequence[trace.Link] = ()

    @contextmanager
    def settling(self, batch: Batch) -> Iterator[None]:
        """A `commit` span around the COMMIT that moves the positions."""
        if not self.links:
            yield
            return
        attributes = _of_batch("commit", "settle", self.topic, self.group, batch)
        parent = trace.set_span_in_context(self.span)
        with tracing.recorded_span(f"commit {self.topic}", SpanKind.CLIENT, attributes, self.links, parent):
            yield


@contextmanager
def processing(topic: str, group: str, batch: Batch) -> Iterator[Processing]:
    """A `process` span around one batch, linked to its sampled messages, and a span for each of these messages.

    The span of a sampled message is a child of its creation context, and replaces that context in `Received`. So the
    spans of what handlers store or append for the event are below this span. A batch without a sampled event has no
    span, unless some of its events have no trace: then this service is their first one, and its sampler decides.
    """
    items = [item for part in batch.parts for item in part.items if isinstance(item, Incoming)]
    marked = [item for item in items if tracing.sampled(item.received.traceparent)]
    if not marked and all(item.received.traceparent is not None for item in items):
        yield Processing(trace.INVALID_SPAN, topic, group)
        return
    contexts = [_created_in(item) for item in marked]
    links = [trace.Link(context) for context in contexts[: tracing.LINKS_MAX]]
    attributes = _of_batch("process", "process", topic, group, batch)
    with tracing.recorded_span(f"process {topic}", SpanKind.CONSUMER, attributes, links, Context()) as span:
        link = trace.Link(span.get_span_context())
        own = [_message_span(topic, group, item, context, link) for item, context in zip(marked, contexts, strict=True)]
        try:
            yield Processing(span, topic, group, links)
        finally:
            for item, message_span in zip(marked, own, strict=True):
                if item.failure is not None:
                    tracing.fail(message_span, item.failure)
                message_span.end()


def _message_span(
    topic: str, group: str, item: Incoming, created_in: trace.SpanContext, link: trace.Link
) -> trace.Span:
    attributes = messaging("process", "process", topic=topic, group=group)
    parent = tracing.below(created_in)
    span = tracing.tracer.start_span(f"process {topic}", parent, SpanKind.CONSUMER, attributes, [link])
    if span.is_recording():
        received = item.received
        span.set_attribute("messaging.message.id", received.id)
        span.set_attribute("messaging.destination.partition.id", str(item.record.partition))
        span.set_attribute("messaging.kafka.offset", item.record.offset)
        span.set_attribute("cloudevents.event_type", received.event.type)
        traceparent, tracestate = tracing.texts_of(span.get_span_context())
        item.received = replace(received, traceparent=traceparent, tracestate=tracestate)
    return span


def _created_in(item: Incoming) -> trace.SpanContext:
    assert item.received.traceparent is not None
    return tracing.context_of(item.received.traceparent, item.received.tracestate)


def _of_batch(operation: str, type_: str, topic: str, group: str, batch: Batch) -> Attributes:
    attributes = messaging(operation, type_, topic=topic, group=group)
    attributes["messaging.batch.message_count"] = batch.record_count
    if len(batch.parts) == 1:
        attributes["messaging.destination.partition.id"] = str(batch.parts[0].partition.number)
    return attributes
