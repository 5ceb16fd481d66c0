"""A small service of things, made of nothing but the chassis, on a real PostgreSQL and a real port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.chassis import idempotency
from libs.chassis.app import Loop, build_app
from libs.chassis.auth import Caller, requires
from libs.chassis.database import Database, Session, now, raw
from libs.chassis.errors import Conflict, NotFound
from libs.chassis.etag import IfMatch, IfMatchOrNone, etag_of
from libs.chassis.idempotency import OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.settings import CommonSettings, Role


class ThingTaken(Conflict):
    """Somebody has it."""

    code = "thing-taken"


class ThingBody(BaseModel):
    """A thing as it is sent."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=50)
    size: int = 1
    tags: list[str] = []
    weight: float = 0.0


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
    writes = Annotated[Caller, requires("things:write")]
    reads = Annotated[Caller, requires("things:read")]

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

    @router.get("/echo")
    async def echo(caller: reads, word: Annotated[str, Query(max_length=20)]) -> str:
        return word

    return router


@dataclass
class Things:
    """The running service and what a test asks of it."""

    client: httpx.AsyncClient
    database: Database
    url: str
    gate: Gate
    app: Any
    tokens: Callable[..., str]

    def headers(self, scopes: str = "things:read things:write", **more: str) -> dict[str, str]:
        client_id = more.pop("client_id", "test-client")
        return {
            "Authorization": f"Bearer {self.tokens(scopes, client_id=client_id)}",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    async def count(self, table: str = "thing") -> int:
        connection = await asyncpg.connect(self.url)
        try:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
        finally:
            await connection.close()


class _Op:
    """As much of Alembic's `op` as the idempotency table needs."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, sql: str) -> None:
        self.statements.append(sql)


@pytest.fixture
async def things_url(postgres_server: Any) -> str:
    url: str = postgres_server.new_database("things")
    op = _Op()
    idempotency.create_table(op)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA + ";".join(op.statements))
    finally:
        await connection.close()
    return url


@pytest.fixture
def make_settings(issuer: Any, things_url: str) -> Callable[..., CommonSettings]:
    def make(**changes: Any) -> CommonSettings:
        return CommonSettings(
            **{
                "database_url": things_url,
                "kafka_bootstrap_servers": "nowhere.invalid:9092",
                "token_issuer": issuer.url,
                "token_jwks_url": issuer.jwks_url,
                "fingerprint_key": "sample-fingerprint-key",
                "body_limit_bytes": 10_000,
                **changes,
            }
        )

    return make


@pytest.fixture
def make_app(make_settings: Callable[..., CommonSettings]) -> Callable[..., Any]:
    def make(gate: Gate, *, loops: list[Loop] | None = None, **changes: Any) -> Any:
        settings = make_settings(**changes)
        database = Database(settings.database_url, clock=settings.clock(), application_name="things")
        return build_app(
            service="things",
            title="Things",
            settings=settings,
            database=database,
            routers=[things_router(gate)],
            loops=loops or [],
            stop_seconds=0.3,
        )

    return make


@pytest.fixture
async def things(make_app: Callable[..., Any], running: Any, issuer: Any, things_url: str) -> AsyncIterator[Things]:
    gate = Gate()
    app = make_app(gate, role=Role.ALL)
    async with running(app) as client:
        yield Things(client, app.state.database, things_url, gate, app, issuer.token)
        gate.open.set()
