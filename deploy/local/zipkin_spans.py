"""Spans in the JSON of Zipkin's API (version 2), made from the OTLP messages of the services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

LINKS_MAX = 20
"""Zipkin has no links between traces. The ids of this many linked traces are shown in a tag."""

_KINDS: Mapping[int, str] = {
    Span.SPAN_KIND_SERVER: "SERVER",
    Span.SPAN_KIND_CLIENT: "CLIENT",
    Span.SPAN_KIND_PRODUCER: "PRODUCER",
    Span.SPAN_KIND_CONSUMER: "CONSUMER",
}


def zipkin_spans(request: ExportTraceServiceRequest) -> list[dict[str, Any]]:
    """The spans of one message, as the body of `POST /api/v2/spans`."""
    return [
        _zipkin_span(span, _text_values(group.resource.attributes).get("service.name", "unknown"))
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _zipkin_span(span: Span, service: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "name": span.name,
        "timestamp": span.start_time_unix_nano // 1000,
        # A duration of 0 means to Zipkin that the span has not ended.
        "duration": max(1, (span.end_time_unix_nano - span.start_time_unix_nano) // 1000),
        "localEndpoint": {"serviceName": service},
        "annotations": [_annotation(event) for event in span.events],
        "tags": _tags(span),
    }
    if span.parent_span_id:
        made["parentId"] = span.parent_span_id.hex()
    if span.kind in _KINDS:
        made["kind"] = _KINDS[span.kind]
    return made


def _annotation(event: Span.Event) -> dict[str, Any]:
    details = [f"{name}={value}" for name, value in _text_values(event.attributes).items()]
    return {"timestamp": event.time_unix_nano // 1000, "value": " ".join([event.name, *details])}


def _tags(span: Span) -> dict[str, str]:
    tags = _text_values(span.attributes)
    if span.status.code == Status.STATUS_CODE_ERROR:
        tags["error"] = tags.get("error.type", "true")
    linked = dict.fromkeys(link.trace_id.hex() for link in span.links)
    linked.pop(span.trace_id.hex(), None)
    if linked:
        tags["linked_traces"] = " ".join(list(linked)[:LINKS_MAX])
    return tags


def _text_values(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {one.key: _text(one.value) for one in attributes}


def _text(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "array_value":
            return ",".join(_text(one) for one in value.array_value.values)
        case None:
            return ""
        case kind:
            return str(getattr(value, kind))
