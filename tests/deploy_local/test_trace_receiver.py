"""The receiver between the services' OTLP and Zipkin: what it makes of spans, and what it accepts."""

import json
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI, Request, Response
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, set_span_in_context

from deploy.local.trace_receiver import PROTOBUF, create_receiver
from deploy.local.zipkin_spans import LINKS_MAX, zipkin_spans
from tests.served import running

MICROSECOND, START = 1_000, 1_700_000_000_000_000_000


def recorded() -> list[ReadableSpan]:
    """A parent with all that a span can have, and its child, which took no time."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "referral"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    links = [Link(SpanContext(number + 1, 1, is_remote=True)) for number in range(LINKS_MAX + 5)]
    attributes = {"enlace.sure": True, "enlace.count": 3, "enlace.codes": ("a", "b"), "error.type": "Late"}
    parent = tracer.start_span("accept", kind=SpanKind.CONSUMER, attributes=attributes, links=links, start_time=START)
    parent.add_event("exception", {"exception.type": "Late"}, timestamp=START + 5 * MICROSECOND)
    parent.set_status(StatusCode.ERROR)
    tracer.start_span("hold", set_span_in_context(parent), start_time=START).end(START)
    parent.end(START + 9 * MICROSECOND)
    return list(memory.get_finished_spans())


def test_a_span_keeps_its_place_its_times_its_kind_and_its_facts():
    child, parent = zipkin_spans(encode_spans(recorded()))
    assert parent["tags"].pop("linked_traces").split() == [f"{number + 1:032x}" for number in range(LINKS_MAX)]
    assert parent == {
        "traceId": child["traceId"],
        "id": child["parentId"],
        "name": "accept",
        "kind": "CONSUMER",
        "timestamp": START // 1000,
        "duration": 9,
        "localEndpoint": {"serviceName": "referral"},
        "annotations": [{"timestamp": START // 1000 + 5, "value": "exception exception.type=Late"}],
        "tags": {
            "enlace.sure": "true", "enlace.count": "3", "enlace.codes": "a,b", "error.type": "Late", "error": "Late"
        },
    }  # fmt: skip
    assert len(child["traceId"]) == 32
    assert len(child["id"]) == 16
    assert (child["duration"], child["tags"], "kind" in child) == (1, {}, False)


@pytest.fixture
async def zipkin() -> FastAPI:
    app = FastAPI()
    app.state.bodies = []
    app.state.answers = 202

    @app.post("/api/v2/spans")
    async def take(request: Request) -> Response:
        app.state.bodies.append(json.loads(await request.body()))
        return Response(status_code=app.state.answers)

    return app


async def receiver(zipkin_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with LifespanManager(create_receiver(zipkin_url)) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            yield client


async def test_spans_are_accepted_when_zipkin_has_them_and_not_before(zipkin):
    body = encode_spans(recorded()).SerializeToString()
    async with running(zipkin) as zipkin_client:
        async for client in receiver(str(zipkin_client.base_url)):
            taken = await client.post("/v1/traces", content=body, headers={"Content-Type": PROTOBUF})
            assert (taken.status_code, taken.content) == (200, b"")
            assert [span["name"] for span in zipkin.state.bodies[0]] == ["hold", "accept"]
            zipkin.state.answers = 500
            refused = await client.post("/v1/traces", content=body, headers={"Content-Type": PROTOBUF})
            assert refused.status_code == 503


async def test_without_zipkin_a_sender_is_told_to_come_again():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async for client in receiver(f"http://127.0.0.1:{nobody.getsockname()[1]}"):
            body = encode_spans(recorded()).SerializeToString()
            answer = await client.post("/v1/traces", content=body, headers={"Content-Type": PROTOBUF})
            assert answer.status_code == 503
            assert (await client.get("/readyz")).json() == {"ready": True}


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [(PROTOBUF, b"\xff\xff not protobuf", 400), ("text/plain", b"", 415), ("application/json", b"{}", 415)],
)
async def test_what_is_not_otlp_is_refused(kind, content, status):
    async for client in receiver("http://127.0.0.1:9"):
        assert (await client.post("/v1/traces", content=content, headers={"Content-Type": kind})).status_code == status
