"""Spans and trace contexts of the bus, by the OpenTelemetry messaging conventions. API only: no SDK, no exporter.

An event carries the context in which it was created; nobody replaces it on the way. Work on batches has one span that
links to its messages. Messages of sampled journeys get a span of their own, whose parent is the creation context, so
that a journey is one tree over all services; unsampled ones cost nothing.
"""

from opentelemetry import trace


def current() -> tuple[str | None, str | None]:
    """Traceparent and tracestate of the current span, or None for both outside of any trace."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return traceparent_of(context), context.trace_state.to_header() or None


def traceparent_of(context: trace.SpanContext) -> str:
    """The W3C header of a span's context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
