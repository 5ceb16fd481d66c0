"""A connection that the server has ended: the work on it is refused as one without a database, and no later one is.

The server says that it ends a connection, and closes it. Between the two the driver takes another statement and fails
with an error of its own, without an SQLSTATE. The proxy here keeps the connection in this state.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database, own_work, raw
from libs.chassis.database_errors import refusal_of
from libs.chassis.errors import Unavailable
from libs.chassis.tenancy import Tenant
from libs.events.postgres import Cause, cause_of
from tests.infra import for_service


class HoldingProxy:
    """Passes everything on, except the end of a connection by the server while `holding`."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self.ended = asyncio.Event()
        self.holding = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> HoldingProxy:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._to)
        self._writers += [writer, server_writer]
        for task in (self._pass(reader, server_writer), self._pass(server_reader, writer, then=self.ended)):
            self._tasks.add(asyncio.create_task(task))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, then: asyncio.Event | None = None
    ) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        if then is not None:
            then.set()
        if then is None or not self.holding:
            writer.close()


@pytest.fixture
async def held(migrated):
    """A database behind such a proxy with a pool of one connection, how the server ends that one, and the proxy."""
    url = for_service(migrated("notifications"))
    parts = urlsplit(url)
    assert parts.hostname is not None
    async with HoldingProxy(parts.hostname, parts.port or 5432) as proxy:
        through = urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")))
        database = Database(through, clock=Clock(), application_name="lost", pool_size=1)
        admin = await asyncpg.connect(url)

        async def end(pid):
            proxy.ended.clear()
            assert await admin.fetchval("SELECT pg_terminate_backend($1)", pid)
            await proxy.ended.wait()
            await asyncio.sleep(0)  # the driver reads the server's last words

        yield database, end, proxy
        proxy.holding = False
        await admin.close()
        await database.close()


async def pid_of(session):
    return await (await raw(session)).fetchval("SELECT pg_backend_pid()")


async def test_work_on_an_ended_connection_is_refused_as_without_a_database_and_the_next_one_succeeds(held):
    """Taken out, one by one: InternalClientError in `refusal_of` and in `cause_of`."""
    database, end, _ = held

    async def work():
        async with database.transaction_of(Tenant("a", staff=True)) as session, own_work(session):
            await end(await pid_of(session))
            await pid_of(session)

    with pytest.raises(asyncpg.InternalClientError) as failed:
        await work()
    assert isinstance(refusal_of(failed.value), Unavailable)
    assert cause_of(failed.value) is Cause.OUTAGE, "the bus takes the batch again and parks nothing"
    async with database.transaction() as session:
        assert await pid_of(session)


async def test_a_connection_that_was_ended_in_the_pool_is_replaced_and_nobody_notices(held):
    """Taken out: the second try of `opened`."""
    database, end, _ = held
    async with database.transaction() as session:
        pid = await pid_of(session)
    await end(pid)
    async with database.transaction() as session:
        assert await pid_of(session) != pid


async def test_a_server_that_ends_every_connection_is_not_asked_for_ever(held, monkeypatch):
    """Taken out: `tries_left` in `opened`."""
    database, _, proxy = held
    proxy.holding = False
    async with database.transaction() as session:  # SQLAlchemy asks for the version of the server once
        assert await pid_of(session)
    tries = 0

    async def ended(_self):
        nonlocal tries
        tries += 1
        assert tries < 30, "asked for ever"
        raise asyncpg.InternalClientError("another operation is in progress")

    monkeypatch.setattr(asyncpg.transaction.Transaction, "start", ended)
    with pytest.raises(asyncpg.InternalClientError):
        async with database.transaction():
            pass
    assert tries > 8, "more than a pool has"
    monkeypatch.undo()
    async with database.transaction() as session:
        assert await pid_of(session)
