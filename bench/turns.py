"""The turns of the sides: in each, one side runs and the others rest.

Enlace has an installation of its own; the floor and the usual stack share another one. The servers of both keep
running, but only one side has processes at a time. A side that rests must not use the machine: at the end of its turn
its events are consumed, its dirty pages are written and autovacuum is switched off. Autovacuum is on during the turn,
so that each side pays for its own rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from bench.chain import PATIENCE_SECONDS, Running, Side
from bench.measuring import until, value
from bench.resting import rest
from deploy.local.postgres import PostgresServer

Turn = Callable[[Running], AbstractAsyncContextManager[Side]]
_VACUUMS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
_UNSENT = "SELECT count(*) FROM outbox"


@asynccontextmanager
async def enlace_turn(running: Running) -> AsyncIterator[Side]:
    """Enlace's services run during this block."""
    if not set(running.pids) > set(running.server_pids):
        await running.system.resume_services()
    await _autovacuum(running, on=True)
    yield running.side
    await at_rest(running.side)
    await running.system.halt_services()
    await quiet(running)


@asynccontextmanager
async def reference_turn(running: Running, start: Turn) -> AsyncIterator[Side]:
    """The processes of the floor or of the usual stack run during this block."""
    await _autovacuum(running, on=True)
    async with start(running) as side:
        yield side
        await at_rest(side)
    await quiet(running)


async def at_rest(side: Side) -> None:
    """Wait until this side has published and consumed all its events."""
    await (rest(side.running) if side.lands else _settled(side))


async def _settled(side: Side) -> None:
    """Wait until a reference has published its events and written the delivery of each offer."""

    async def done() -> bool:
        waiting = [await value(side.url(one), _UNSENT) for one in ("REGISTRATION", "REFERRAL")]
        offers = await value(side.url("REFERRAL"), "SELECT count(*) FROM offer")
        deliveries = await value(side.url("NOTIFICATIONS"), "SELECT count(*) FROM delivery")
        return not any(waiting) and bool(offers == deliveries)

    await until(done, what="a reference at rest", within_s=PATIENCE_SECONDS)


async def quiet(running: Running) -> None:
    """Let PostgreSQL finish what it does in the background, so that it does nothing until the next turn."""
    await _autovacuum(running, on=False)
    connection = await asyncpg.connect(_superuser_url(running))
    try:

        async def done() -> bool:
            return not await connection.fetchval(_VACUUMS)

        await until(done, what="the end of autovacuum", within_s=PATIENCE_SECONDS)
        await connection.execute("CHECKPOINT", timeout=PATIENCE_SECONDS)
    finally:
        await connection.close()


async def _autovacuum(running: Running, *, on: bool) -> None:
    connection = await asyncpg.connect(_superuser_url(running))
    try:
        await connection.execute(f"ALTER SYSTEM {'RESET autovacuum' if on else 'SET autovacuum = off'}")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def _superuser_url(running: Running) -> str:
    port = urlsplit(running.url("REFERRAL")).port
    assert port is not None
    child = running.system.parts["postgres"].child
    return PostgresServer(port=port, keyring=running.installation.keyring, child=child).url()
