"""Takes the spans of the services (OTLP over HTTP) and passes them on to Zipkin, which does not understand OTLP.

It stores nothing: while Zipkin does not answer, neither are spans accepted here, and the services repeat or drop them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import httpx
import typer
from fastapi import FastAPI, Request, Response
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.local.zipkin_spans import zipkin_spans
from libs.chassis.http_settings import HttpSettings
from libs.chassis.serving import Server, ServerConfig

PROTOBUF = "application/x-protobuf"
SECONDS_FOR_ZIPKIN = 5.0


def create_receiver(zipkin: str) -> FastAPI:
    """The receiver for the Zipkin at this address."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=zipkin, timeout=SECONDS_FOR_ZIPKIN, trust_env=False) as client:
            app.state.zipkin = client
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.add_api_route("/v1/traces", _take, methods=["POST"])
    app.add_api_route("/readyz", _ready)
    return app


async def _take(request: Request) -> Response:
    if request.headers.get("content-type") != PROTOBUF:
        return Response(status_code=415)
    try:
        spans = zipkin_spans(ExportTraceServiceRequest.FromString(await request.body()))
    except DecodeError:
        return Response(status_code=400)
    client: httpx.AsyncClient = request.app.state.zipkin
    try:
        answer = await client.post("/api/v2/spans", json=spans)
    except httpx.HTTPError:
        return Response(status_code=503)
    # An empty body is the message that says that all spans were accepted.
    return Response(media_type=PROTOBUF, status_code=200 if answer.is_success else 503)


async def _ready() -> dict[str, bool]:
    return {"ready": True}


def main(
    port: Annotated[int, typer.Option()],
    zipkin: Annotated[str, typer.Option(help="The address of Zipkin.")],
) -> None:
    """Serve on 127.0.0.1 until a signal arrives."""
    with suppress(KeyboardInterrupt):
        Server(ServerConfig(create_receiver(zipkin), HttpSettings(), host="127.0.0.1", port=port)).run()


if __name__ == "__main__":
    typer.run(main)
