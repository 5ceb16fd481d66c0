"""A small service of things, made of nothing but the chassis; `python -m tests.service.chassis.things serve`."""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.chassis import idempotency
from libs.chassis.app import Loop, build_app
from libs.chassis.auth import Caller, requires
from libs.chassis.cli import make_cli
from libs.chassis.database import Database, Session, now, raw
from libs.chassis.errors import Conflict, NotFound
from libs.chassis.etag import IfMatch, IfMatchOrNone, etag_of
from libs.chassis.idempotency import OnceOptional, OnceRequired
from libs.chassis.logs import get_logger
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.settings import CommonSettings, Role
from libs.chassis.telemetry import current_traceparent, root_span, span_from
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF

log = get_logger(__name__)


class ThingTaken(Conflict):
    """Somebody has it."""

    code = "thing-taken"


class ThingBody(BaseModel):
    """A thing as it is sent."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=50)
    size: Annotated[int, Field(strict=True)] = 1
    tags: list[str] = []
    weight: Annotated[float, Field(strict=True)] = 0.0


class ThingView(BaseModel):
    """A thing as it is shown."""

    id: UUID
    name: str
    version: int


@dataclass
class Gate:
    """Lets a test hold a request open inside its transaction."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    shut: bool = False


SCHEMA = """CREATE TABLE thing (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (name <> 'forbidden'),
    size integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    made_at timestamptz NOT NULL,
    parent uuid REFERENCES thing (id));
CREATE UNIQUE INDEX thing_unique_name ON thing (name) WHERE name LIKE 'unique%';
"""


def things_router(gate: Gate) -> APIRouter:
    """Routes that use every part of the chassis."""
    router = APIRouter(prefix="/v1")
    writes = Annotated[Caller, requires("things:write", by=ORGANIZATIONS_AND_STAFF)]
    reads = Annotated[Caller, requires("things:read", by=ORGANIZATIONS_AND_STAFF)]

    async def view_of(session: Any, thing_id: UUID) -> ThingView:
        row = await (await raw(session)).fetchrow("SELECT id, name, version FROM thing WHERE id = $1", thing_id)
        if row is None:
            raise NotFound
        return ThingView(**dict(row))

    async def insert(session: Any, body: ThingBody) -> UUID:
        connection = await raw(session)
        made: UUID = await connection.fetchval(
            "INSERT INTO thing (name, size, made_at) VALUES ($1, $2, $3) RETURNING id",
            body.name,
            body.size,
            now(session),
        )
        gate.entered.set()
        if gate.shut:
            await gate.open.wait()
        return made

    @router.post("/things", status_code=201, responses=responses(ThingTaken))
    async def add_thing(
        body: ThingBody, session: Session, once: OnceRequired, caller: writes, response: Response
    ) -> ThingView:
        thing_id = await once(session, lambda: insert(session, body))
        response.headers["Location"] = f"/v1/things/{thing_id}"
        return await view_of(session, thing_id)

    @router.post("/things/loose", status_code=201)
    async def add_loose_thing(body: ThingBody, session: Session, once: OnceOptional, caller: writes) -> ThingView:
        return await view_of(session, await once(session, lambda: insert(session, body)))

    @router.get("/things")
    async def list_things(session: Session, page: PageQuery, caller: reads) -> Page[ThingView]:
        rows = await (await raw(session)).fetch(
            "SELECT id, name, version FROM thing WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
            UUID(page.after[0]) if page.after else None,
            page.limit + 1,
        )
        return page_of(
            rows, request=page, cursor_of=lambda row: [str(row["id"])], view=lambda row: ThingView(**dict(row))
        )

    @router.get("/things/{thing_id}", responses=responses(NotFound))
    async def show_thing(thing_id: UUID, session: Session, caller: reads, response: Response) -> ThingView:
        view = await view_of(session, thing_id)
        response.headers["ETag"] = etag_of(view.version)
        return view

    @router.patch("/things/{thing_id}", responses=responses(NotFound))
    async def rename_thing(
        thing_id: UUID, body: ThingBody, session: Session, condition: IfMatch, caller: writes
    ) -> ThingView:
        condition.check((await view_of(session, thing_id)).version)
        await (await raw(session)).execute(
            "UPDATE thing SET name = $2, version = version + 1 WHERE id = $1", thing_id, body.name
        )
        return await view_of(session, thing_id)

    @router.put("/things/{thing_id}")
    async def put_thing(
        thing_id: UUID, body: ThingBody, session: Session, condition: IfMatchOrNone, caller: writes
    ) -> ThingView:
        connection = await raw(session)
        version = await connection.fetchval("SELECT version FROM thing WHERE id = $1", thing_id)
        condition.check(version)
        await connection.execute(
            "INSERT INTO thing (id, name, size, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE"
            " SET name = excluded.name, version = thing.version + 1",
            thing_id,
            body.name,
            body.size,
            now(session),
        )
        return await view_of(session, thing_id)

    @router.get("/conflict", responses=responses(ThingTaken))
    async def conflict(caller: reads) -> None:
        raise ThingTaken("Somebody has it already.", pointer="/name", since="yesterday")

    @router.get("/fault")
    async def fault(caller: reads) -> None:
        raise RuntimeError("the secret Marta Sample")

    @router.get("/wrong-view")
    async def wrong_view(caller: reads) -> ThingView:
        return {"name": "Marta Sample"}  # type: ignore[return-value]

    @router.post("/journeys")
    async def start_journey(caller: writes) -> dict[str, str | None]:
        here = current_traceparent()
        with root_span("start journey", attributes={"enlace.journey_id": "j1", "person": "Marta Sample"}):
            journey = current_traceparent()
        with span_from(journey, "go on"):
            pass
        return {"request": here, "journey": journey}

    @router.get("/slow")
    async def slow(caller: reads) -> str:
        await asyncio.sleep(0.7)
        return "done"

    @router.get("/echo")
    async def echo(caller: reads, word: Annotated[str, Query(max_length=20)]) -> str:
        return word

    return router


def things_app(settings: CommonSettings, gate: Gate, loops: list[Loop]) -> FastAPI:
    """The service, wired like any other."""
    database = Database(settings.database_url, clock=settings.clock(), application_name="things")
    return build_app(
        service="things",
        title="Things",
        settings=settings,
        database=database,
        routers=[things_router(gate)],
        loops=loops,
        stop_seconds=float(os.environ.get("THINGS_STOP_SECONDS", "0.5")),
    )


def schema() -> str:
    """Every table of the service."""

    class Op:
        statements: list[str] = []

        def execute(self, sql: str) -> None:
            self.statements.append(sql)

    op = Op()
    idempotency.create_table(op)
    return SCHEMA + ";".join(op.statements)


async def count_until_told(stop: asyncio.Event) -> None:
    """A loop that behaves."""
    await stop.wait()
    log.info("loop.ended", loop="counting")


async def never_end(_: asyncio.Event) -> None:
    """A loop that doesn't listen."""
    await asyncio.Event().wait()


def create_app() -> FastAPI:
    """The service as a process of its own."""
    loops = [Loop(name="counting", run=count_until_told, role=Role.WORKER)]
    if os.environ.get("THINGS_STUBBORN"):
        loops.append(Loop(name="stubborn", run=never_end, role=Role.WORKER))
    return things_app(CommonSettings(), Gate(), loops)


cli = make_cli("things", create_app)

if __name__ == "__main__":
    cli()
