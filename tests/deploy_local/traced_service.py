"""A tiny service that records spans as a real one does: settings from its environment, exporters of the chassis."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import httpx
import typer
import uvicorn
from fastapi import FastAPI

from libs.chassis import telemetry

cli = typer.Typer()
MARKED = "Marisol Zacapa"
"""A name that no span may contain."""


class Settings:
    def __init__(self) -> None:
        self.spans_directory = Path(os.environ["ENLACE_SPANS_DIRECTORY"])


@cli.command()
def migrate() -> None:
    pass


def create(service: str) -> FastAPI:
    telemetry.setup_telemetry(service, Settings())
    app = FastAPI()

    @app.get("/workz")
    @app.get("/readyz")
    async def readyz() -> dict[str, int]:
        return {"pid": os.getpid()}

    @app.get("/environment")
    async def environment() -> dict[str, str]:
        return dict(os.environ)

    @app.get("/arrivals/{name}")
    async def arrive(name: str) -> dict[str, str | None]:
        """Starts a trace, and calls the other service in it."""
        with telemetry.root_span("arrive", attributes={"enlace.journey_id": "j-1", "person.name": name}):
            passed_on = {"traceparent": telemetry.current_traceparent() or ""}
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.post(f"{os.environ['ENLACE_REFERRAL_URL']}/offers?name={name}", headers=passed_on)
            return {"trace_id": telemetry.current_trace_id()}

    @app.post("/offers")
    async def offer(name: str) -> None:
        with telemetry.span_from(telemetry.current_traceparent(), "decline"):
            await asyncio.sleep(0)
            raise ValueError(name)

    telemetry.instrument(app)
    return app


@cli.command()
def serve(host: Annotated[str, typer.Option()], port: Annotated[int, typer.Option()]) -> None:
    own = os.environ["ENLACE_REFERRAL_URL"].endswith(f":{port}")
    uvicorn.run(create("referral" if own else "registration"), host=host, port=port, log_level="critical")


if __name__ == "__main__":
    cli()
