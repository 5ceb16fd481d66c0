"""Export of spans: with declared attributes only, and errors by type."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import Attributes, AttributeValue

_DECLARED = frozenset(
    {
        "error.type",
        "exception.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "server.port",
    }
)
_DECLARED_PREFIXES = ("enlace.", "messaging.", "cloudevents.", "db.system", "db.operation")
_NEVER = frozenset({"messaging.kafka.message.key", "cloudevents.event_subject"})


def declared_only(attributes: Attributes) -> dict[str, AttributeValue]:
    """The attributes that may be exported: no paths, queries, addresses or texts of errors."""
    return {
        name: value
        for name, value in (attributes or {}).items()
        if name not in _NEVER and (name in _DECLARED or name.startswith(_DECLARED_PREFIXES))
    }


class DiscreetExporter(SpanExporter):
    """Passes spans on to another exporter with declared attributes only and errors without their texts."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Pass the reduced spans on."""
        return self._inner.export([_discreet(span) for span in spans])

    def shutdown(self) -> None:
        """Close the other exporter."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter."""
        return self._inner.force_flush(timeout_millis)


class JsonLinesExporter(SpanExporter):
    """Appends one JSON object per span to a file of this process, complete lines only, flushed at each batch.

    Times are nanoseconds since 1970; ids are hexadecimal.
    """

    def __init__(self, directory: Path, *, service: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / f"{service}-{os.getpid()}.jsonl"
        self._lock = Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append `spans`."""
        lines = "".join(json.dumps(as_record(span), default=str) + "\n" for span in spans)
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


def as_record(span: ReadableSpan) -> dict[str, Any]:
    """One line of the spans file."""
    context = span.get_span_context()
    assert context is not None
    return {
        "trace_id": format(context.trace_id, "032x"),
        "span_id": format(context.span_id, "016x"),
        "parent_span_id": format(span.parent.span_id, "016x") if span.parent else None,
        "service": span.resource.attributes.get("service.name"),
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
        "events": [{"name": event.name, "time": event.timestamp} for event in span.events],
        "links": [
            {"trace_id": format(link.context.trace_id, "032x"), "span_id": format(link.context.span_id, "016x")}
            for link in span.links
        ],
    }


def _discreet(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=declared_only(span.attributes),
        events=[Event(event.name, declared_only(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
