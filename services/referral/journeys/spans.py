"""Spans of journeys: one per step that matters, below the span that the row carries, for sampled journeys only."""

import time
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span

from libs.chassis.telemetry import span_context, traceparent_of, tracer


class Spans:
    """The spans of one piece of work: each starts when the work began and ends when it has been written.

    They are linked to the span that is current, such as that of the request that brought an answer (DESIGN 8).
    """

    def __init__(self) -> None:
        self._started_ns = time.time_ns()
        self._open: list[Span] = []
        current = trace.get_current_span().get_span_context()
        self._links = [Link(current)] if current.is_valid else []

    def start(self, traceparent: str | None, name: str, returnee_id: UUID) -> str | None:
        """Start a span below `traceparent` and return its own; an unsampled journey costs nothing."""
        parent = span_context(traceparent)
        if parent is None or not parent.trace_flags.sampled:
            return traceparent
        span = tracer().start_span(
            name,
            trace.set_span_in_context(NonRecordingSpan(parent), Context()),
            attributes={"enlace.journey_id": str(returnee_id)},
            links=self._links,
            start_time=self._started_ns,
        )
        self._open.append(span)
        return traceparent_of(span) or traceparent

    def end(self) -> None:
        """End them all: their effects are written."""
        for span in self._open:
            span.end()
        self._open.clear()
