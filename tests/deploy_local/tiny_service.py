"""Stands for a service where only its process matters: `migrate` does nothing, `serve` is ready at once."""

import os
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

cli = typer.Typer()


@cli.command()
def migrate() -> None:
    pass


@cli.command()
def serve(host: Annotated[str, typer.Option()], port: Annotated[int, typer.Option()]) -> None:
    app = FastAPI()

    @app.get("/workz")
    @app.get("/readyz")
    async def readyz() -> dict[str, int]:
        return {"pid": os.getpid()}

    @app.get("/environment")
    async def environment() -> dict[str, str]:
        return dict(os.environ)

    uvicorn.run(app, host=host, port=port, log_level="warning")


if __name__ == "__main__":
    cli()
