"""A small service on the chassis whose one request writes a row and an event: `python -m ...greeter serve`."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from libs.chassis import idempotency
from libs.chassis.app import build_app
from libs.chassis.auth import Caller, requires
from libs.chassis.cli import make_cli
from libs.chassis.database import Database, Session, raw
from libs.chassis.idempotency import OnceRequired
from libs.chassis.settings import CommonSettings
from libs.chassis.tenancy import STAFF
from libs.events import outbox
from libs.events.event import Event
from libs.events.tables import create_tables

SCOPE = "greetings:write"


class Greeted(Event):
    """Somebody was greeted."""

    type: ClassVar[str] = "somebody.greeted.v1"
    topic: ClassVar[str] = "greetings"
    key_field: ClassVar[str] = "name"

    name: str


class Greeting(BaseModel):
    """Whom to greet."""

    name: str


class GreetingView(BaseModel):
    """A greeting that was stored."""

    id: UUID


def routes() -> APIRouter:
    """The one request."""
    router = APIRouter(prefix="/v1")

    @router.post("/greetings", status_code=201)
    async def greet(
        body: Greeting, session: Session, once: OnceRequired, caller: Annotated[Caller, requires(SCOPE, by=STAFF)]
    ) -> GreetingView:
        async def create() -> UUID:
            made: UUID = await (await raw(session)).fetchval(
                "INSERT INTO greeting (name) VALUES ($1) RETURNING id", body.name
            )
            await outbox.append(session, [Greeted(name=body.name)])
            return made

        return GreetingView(id=await once(session, create))

    return router


def greeter(settings: CommonSettings) -> FastAPI:
    """The service, wired like any other."""
    database = Database(settings.database_url, clock=settings.clock(), application_name="greeter", pool_size=4)
    return build_app(
        service="greeter", title="Greeter", settings=settings, database=database, routers=[routes()], loops=[]
    )


def statements() -> list[str]:
    """Every table of the service."""
    found = ["CREATE TABLE greeting (id uuid PRIMARY KEY DEFAULT uuidv7(), name text NOT NULL)"]

    class Recorder:
        def execute(self, sqltext: str) -> None:
            found.append(sqltext)

    create_tables(Recorder())
    idempotency.create_table(Recorder())
    return found


cli = make_cli("greeter", lambda: greeter(CommonSettings()))  # type: ignore[call-arg]

if __name__ == "__main__":
    cli()
