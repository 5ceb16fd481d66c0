"""Rows A1 to A3 and pitfall 12: a request is cut short at every side of its COMMIT, and asked again with its key."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.local.processes import free_port
from libs.chassis.settings import CommonSettings
from libs.events.processes.crashpoints import CrashPoint
from tests.chaos.links import Link
from tests.chaos.proxy import Proxy
from tests.events.bus import until
from tests.events.failures.greeter import SCOPE, greeter, statements
from tests.events.failures.servers import through
from tests.infra import PostgresForTests, for_service
from tests.served import IssuerForTests, running

AT_ONCE = 4


class Waits:
    """Work whose waits are counted, and that is cancelled at one of them: a moment of the work, not of the clock."""

    def __init__(self, work: Coroutine[Any, Any, Any], *, cancelled_at: int | None = None) -> None:
        self._work, self._cancelled_at = work, cancelled_at
        self.count = 0

    async def end(self) -> Any:
        return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        thrown: BaseException | None = None
        try:
            while True:
                waited = next(inner) if thrown is None else inner.throw(thrown)
                if self.count == self._cancelled_at:
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
                self.count += 1
                try:
                    yield waited
                    thrown = None
                except BaseException as error:
                    thrown = error
        except StopIteration as end:
            return end.value


@dataclass
class Greeter:
    """The database of the small service, and how its callers ask."""

    url: str
    issuer: IssuerForTests

    def settings(self, url: str | None = None) -> dict[str, str]:
        """The environment of the service."""
        return {
            "DATABASE_URL": for_service(url or self.url),
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "ENLACE_ROLE": "api",
            "ENLACE_TOKEN_ISSUER": self.issuer.url,
            "ENLACE_TOKEN_AUDIENCE": "enlace-tests",
            "ENLACE_TOKEN_JWKS_URL": self.issuer.jwks_url,
            "ENLACE_FINGERPRINT_KEY": "a-fingerprint-key-for-tests",
        }

    async def ask(self, client: httpx.AsyncClient, key: str) -> httpx.Response:
        """Greet Ana."""
        headers = self.issuer.headers(SCOPE) | {"Idempotency-Key": key}
        return await client.post("/v1/greetings", json={"name": "Ana"}, headers=headers)

    async def stored(self) -> tuple[int, int]:
        """How many greetings and how many events there are."""
        connection = await asyncpg.connect(self.url)
        try:
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM greeting) AS rows, (SELECT count(*) FROM outbox) AS events"
            )
        finally:
            await connection.close()
        assert row is not None
        return row["rows"], row["events"]

    async def has_stored(self) -> bool:
        """Whether anything is stored."""
        return await self.stored() != (0, 0)

    async def idle_in_transaction(self) -> bool:
        """Whether a transaction of the service is open."""
        connection = await asyncpg.connect(self.url)
        try:
            return bool(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND application_name = 'greeter' AND state LIKE 'idle in transaction%'"
                )
            )
        finally:
            await connection.close()


@pytest.fixture
async def service(postgres_server: PostgresForTests, issuer: IssuerForTests) -> Greeter:
    url = postgres_server.new_database("greeter")
    connection = await asyncpg.connect(url)
    for statement in statements():
        await connection.execute(statement)
    await connection.close()
    postgres_server.give_service_its_rights(url)
    return Greeter(url, issuer)


@asynccontextmanager
async def process(service: Greeter, crash: CrashPoint) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    """The service as a process that a crash point ends."""
    port = free_port()
    environment = os.environ | service.settings() | {"EVENTS_CRASHPOINT": str(crash)}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.events.failures.greeter", "serve", "--port", str(port)),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:

            async def answers() -> bool:
                try:
                    return (await client.get("/health/live")).status_code < 500
                except httpx.TransportError:
                    return False

            await until(answers)
            yield child, client
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def crash_and_ask_again(service: Greeter, crash: CrashPoint) -> tuple[tuple[int, int], httpx.Response]:
    """What is stored after the crash, and the answer to the same request from the next process."""
    key = str(uuid4())
    async with process(service, crash) as (child, client):
        with pytest.raises(httpx.TransportError):
            await service.ask(client, key)
        assert await asyncio.wait_for(child.wait(), 300) == -signal.SIGKILL
    left = await service.stored()
    async with running(greeter(CommonSettings(**changed(service.settings())))) as client:
        return left, await service.ask(client, key)


def changed(environment: dict[str, str]) -> dict[str, Any]:
    """Settings by their field names."""
    return {name.removeprefix("ENLACE_").lower(): value for name, value in environment.items()}


async def test_a1_a_request_that_ends_before_its_commit_has_stored_nothing_and_can_be_sent_again(
    service: Greeter,
) -> None:
    """With a commit inside `outbox.append` row and event are there although nobody was told."""
    left, answer = await crash_and_ask_again(service, CrashPoint.OUTBOX_BEFORE_COMMIT)
    assert left == (0, 0)
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers
    assert await service.stored() == (1, 1)


async def test_a2_a_request_whose_answer_is_lost_after_its_commit_gets_it_when_sent_again(service: Greeter) -> None:
    """Without the key's row in the transaction of the effect, row and event are there twice."""
    left, answer = await crash_and_ask_again(service, CrashPoint.OUTBOX_AFTER_COMMIT)
    assert left == (1, 1)
    assert answer.status_code == 201
    assert answer.headers["idempotency-replayed"] == "true"
    assert await service.stored() == (1, 1)


class CutAtCommit(Proxy):
    """A network that fails in the moment in which a COMMIT passes by: before it arrives, or with its answer."""

    arrives = False
    armed = False
    cuts = 0
    committed: Callable[[], Awaitable[object]]

    def intercepts(self, link: Link, data: bytes, *, from_client: bool) -> bool:
        if self.armed and from_client and b"COMMIT" in data:
            self.armed, self.cuts, link.is_dead = False, self.cuts + 1, True
            self._cutting = asyncio.get_running_loop().create_task(self._cut(link, data))
            return True
        return link.is_dead

    async def _cut(self, link: Link, data: bytes) -> None:
        if self.arrives:
            assert link.target.transport is not None
            link.target.transport.write(data)
            await self.committed()
        link.reset()


@pytest.mark.parametrize("commit_arrives", [False, True], ids=["COMMIT was lost", "COMMIT arrived"])
async def test_a3_a_connection_lost_during_commit_leaves_it_open_and_the_key_settles_it(
    service: Greeter, commit_arrives: bool
) -> None:
    """Between app and PostgreSQL the connection is cut in the moment of COMMIT: the client is told that it isn't known.

    Without the key's row the second request doubles what was stored; with a 201 told before COMMIT it is lost.
    """
    url = service.url
    port = int(url.rpartition("/")[0].rpartition(":")[2])
    key = str(uuid4())

    async def is_stored() -> bool:
        return await service.stored() == (1, 1)

    async with CutAtCommit.to(port) as proxy:
        proxy.arrives = commit_arrives
        proxy.committed = lambda: until(is_stored)
        settings = CommonSettings(**changed(service.settings(through(url, proxy.port))))
        async with running(greeter(settings)) as client:
            proxy.armed = True
            answer = await service.ask(client, key)
            assert proxy.cuts == 1
            assert answer.status_code == 503, answer.text
            assert await service.stored() == ((1, 1) if commit_arrives else (0, 0))
            answer = await service.ask(client, key)
            assert answer.status_code == 201
            assert ("idempotency-replayed" in answer.headers) == commit_arrives
    assert await service.stored() == (1, 1)


async def test_pitfall_12_a_storm_of_cancelled_requests_leaves_no_transaction_open(service: Greeter) -> None:
    """Requests are cancelled at every moment. Each is stored whole or not at all, and its key tells which.

    uvicorn lets a request go on whose client hangs up, so these are cancelled inside. With a session that isn't closed
    after an error transactions stay open; with one that commits after every error too rows are stored without events.
    """
    app = greeter(CommonSettings(**changed(service.settings())))
    keys = [str(uuid4()) for _ in range(60)]
    inside = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://greeter")
    async with running(app) as client, inside:
        assert (await service.ask(client, "first")).status_code == 201

        async def hang_up(key: str, at_wait: int) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.create_task(Waits(service.ask(inside, key), cancelled_at=at_wait).end())

        second = Waits(service.ask(inside, "second"))
        assert (await second.end()).status_code == 201
        # The last third waits more often than a request does, and is not cancelled.
        moments = [second.count * 3 * number // (2 * len(keys)) for number in range(len(keys))]
        for start in range(0, len(keys), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            await asyncio.gather(*map(hang_up, keys[some], moments[some]))

        async def settled() -> bool:
            return not await service.idle_in_transaction()

        # Sooner than PostgreSQL would end them.
        await until(settled, seconds=10)
        rows, events = await service.stored()
        assert rows == events
        assert 2 < rows < 62, "none was cancelled, or all were"
        for key in keys:
            answer = await service.ask(client, key)
            assert answer.status_code == 201, answer.text
    assert await service.stored() == (62, 62)
