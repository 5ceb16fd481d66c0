"""The small service of things on a real PostgreSQL and a real port."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.processes import free_port
from libs.chassis.app import Loop
from libs.chassis.database import Database
from libs.chassis.settings import CommonSettings
from tests.infra import PostgresForTests, apart, for_service
from tests.service.chassis.started import Started, answers, command, environment_of, until
from tests.service.chassis.things import Gate, schema, things_app


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


@pytest.fixture(scope="session")
def things_template(postgres_server: PostgresForTests) -> str:
    """The name of a database with the tables and the rights, of which each test gets a copy."""

    async def fill() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(schema())
        finally:
            await connection.close()

    url = postgres_server.new_database("things_template")
    apart(fill())
    postgres_server.give_service_its_rights(url)
    return url.rsplit("/", 1)[1]


@pytest.fixture
def things_url(postgres_server: PostgresForTests, things_template: str) -> Iterator[str]:
    url = postgres_server.new_database("things", template=things_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture
def make_settings(issuer: Any, things_url: str) -> Callable[..., CommonSettings]:
    def make(**changes: Any) -> CommonSettings:
        return CommonSettings(
            **{
                "database_url": for_service(things_url),
                "kafka_bootstrap_servers": "127.0.0.1:9",
                "token_issuer": issuer.url,
                "token_audience": "enlace-tests",
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
        return things_app(make_settings(**changes), gate, loops or [])

    return make


@pytest.fixture
async def things(make_app: Callable[..., Any], running: Any, issuer: Any, things_url: str) -> AsyncIterator[Things]:
    gate = Gate()
    app = make_app(gate)
    async with running(app) as client:
        yield Things(client, app.state.database, things_url, gate, app, issuer.token)
        gate.open.set()


@pytest.fixture
def start(things_url: str, issuer: Any, tmp_path: Path) -> Callable[..., Any]:
    environment = environment_of(things_url, issuer, tmp_path)

    @asynccontextmanager
    async def run(**more: str) -> AsyncIterator[Started]:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *command(port),
            env={**environment, **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                started = Started(process, client)
                await until(lambda: answers(started))
                yield started
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    return run
