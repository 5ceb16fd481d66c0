"""OpenTelemetry for every service: spans, metrics, and helpers that continue one trace over several days.

Spans go to OTLP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and as JSON lines into `spans_directory` when that is set.
The sampler follows `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`; without them all traces are sampled. If it
follows parents, spans of batches follow their messages (`libs.chassis.sampling`).
"""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Protocol

from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from libs.chassis.sampling import FollowsMessages
from libs.chassis.spans import DiscreetExporter, JsonLinesExporter
from libs.chassis.trace_headers import CallersTrace

_NAME = "enlace"
_FLUSH_MILLIS = 200
_FLUSH_SECONDS_MOST = 2.0
_SAMPLED = frozenset("13579bdf")
"""The last digit of the flags in a traceparent whose lowest bit is set."""


class SpanSettings(Protocol):
    """The settings that telemetry needs."""

    @property
    def spans_directory(self) -> Path | None:
        """The directory for spans as JSON lines; None for no such files."""


def setup_telemetry(service: str, settings: SpanSettings) -> None:
    """Set up this process's spans and metrics; the first call in a process decides, later ones change nothing."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    set_global_textmap(CallersTrace())
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    resource = Resource.create(
        {"service.name": service, "service.namespace": _NAME, "service.instance.id": str(uuid.uuid4())}
    )
    # Without `shutdown_on_exit`: it would wait half a minute for a collector that does not answer.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if isinstance(provider.sampler, ParentBased):
        provider.sampler = FollowsMessages(provider.sampler)
    for exporter in _exporters(service, settings):
        provider.add_span_processor(
            BatchSpanProcessor(DiscreetExporter(exporter), schedule_delay_millis=_FLUSH_MILLIS, max_queue_size=20_000)
        )
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider(metric_readers=_readers(), resource=resource, shutdown_on_exit=False))


def instrument(app: FastAPI) -> None:
    """Create one server span per request, named by its route, without query strings and ids. Single ASGI messages get
    no spans."""
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        app, excluded_urls="/livez,/readyz,/workz,/docs,/openapi.json", exclude_spans=["receive", "send"]
    )


def flush_telemetry() -> None:
    """Send the spans and metrics that are not sent yet. Called at the end of a process; takes two seconds at most.

    The SDK ignores the limit of `force_flush`: if the collector does not answer, each batch takes ten seconds. So it
    runs in a thread of its own, which does not keep the process alive.
    """
    sending = Thread(target=_flush, name="flush-telemetry", daemon=True)
    sending.start()
    sending.join(_FLUSH_SECONDS_MOST)


def _flush() -> None:
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if isinstance(provider, TracerProvider | MeterProvider):
            with suppress(Exception):  # The exporters log their failures themselves.
                provider.force_flush()


def tracer() -> trace.Tracer:
    """The tracer of this process."""
    return trace.get_tracer(_NAME)


def meter() -> metrics.Meter:
    """The meter of this process."""
    return metrics.get_meter(_NAME)


def current_trace_id() -> str | None:
    """The id of the current trace in hexadecimal, if there is one."""
    span = trace.get_current_span().get_span_context()
    return format(span.trace_id, "032x") if span.is_valid else None


def current_traceparent() -> str | None:
    """The current span as a W3C `traceparent`, to be stored in a row or sent along; None outside of any span."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(span: Span) -> str | None:
    """`span` as a W3C `traceparent`."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & TraceFlags.SAMPLED:02x}"


@contextmanager
def span_from(
    traceparent: str | None,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: Sequence[str | None] = (),
) -> Iterator[Span]:
    """A span that continues the stored `traceparent`; None or an invalid one starts a new trace.

    It is linked to `links`, and to the current span if that belongs to another trace.
    """
    parent = span_context(traceparent)
    context = Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context())
    with _span(name, context, parent, kind=kind, attributes=attributes, links=links) as span:
        yield span


@contextmanager
def root_span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: Sequence[str | None] = (),
) -> Iterator[Span]:
    """The first span of a new trace, linked to the current span: for long work that a request starts."""
    with _span(name, Context(), None, kind=kind, attributes=attributes, links=links) as span:
        yield span


def is_sampled(traceparent: str | None) -> bool:
    """Whether the trace of a W3C `traceparent` is recorded; reads only its flags."""
    return traceparent is not None and traceparent[-1:] in _SAMPLED


def span_context(traceparent: str | None) -> SpanContext | None:
    """The remote span that a W3C `traceparent` names; None when there is none or it is broken."""
    if traceparent is None:
        return None
    context = TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


@contextmanager
def _span(
    name: str,
    context: Context,
    parent: SpanContext | None,
    *,
    kind: SpanKind,
    attributes: Mapping[str, AttributeValue] | None,
    links: Sequence[str | None],
) -> Iterator[Span]:
    linked = [found for found in map(span_context, links) if found is not None]
    ambient = trace.get_current_span().get_span_context()
    if ambient.is_valid and (parent is None or ambient.trace_id != parent.trace_id):
        linked.append(ambient)
    span = tracer().start_span(name, context, kind, attributes, [Link(found) for found in linked])
    with trace.use_span(span, end_on_exit=True, record_exception=False):
        yield span


def _exporters(service: str, settings: SpanSettings) -> Iterator[SpanExporter]:
    if settings.spans_directory is not None:
        yield JsonLinesExporter(settings.spans_directory, service=service)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        yield OTLPSpanExporter()


def _readers() -> list[PeriodicExportingMetricReader]:
    if not (os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")):
        return []
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return [PeriodicExportingMetricReader(OTLPMetricExporter())]
