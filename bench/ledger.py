"""64 clients hold and release places of one pool at the same time; the reference is a bare lock of one row.

In a turn, a client holds a place for an offer in one transaction and releases it in another, as an offer and its
decline do. The reference locks one row, updates it and commits. The two sides take turns on one server, and the best
round of each counts.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from deploy.local.infra import start_postgres
from deploy.local.processes import Family
from libs.chassis.clock import Clock
from libs.chassis.database import Database, now
from libs.chassis.migrations import upgrade
from services.referral.places import actions as places
from services.referral.places.actions import Hold

CLIENTS = 64
ROUNDS = 3
SECONDS = 5.0
"""How long each side runs in a round."""
MAXIMUM = 48
"""There are fewer places than clients, so that some holds are refused because the pool is full."""

_POOL = """
INSERT INTO pool (pool_id, provider_service_id, kind, maximum, ceiling, available, as_of, held, taken, taken_uncounted,
    closed, listed, freed_count)
VALUES ($1, $2, 'beds', $3, $3, $3, $4, 0, 0, 0, false, true, 1)
"""

Turn = Callable[[], Awaitable[bool]]
"""One turn of a client; returns True if it counts."""


async def measure(*, seconds: float = SECONDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns the figures by name and prints one line. Holds that are refused because the pool is full do not count."""
    async with _database() as url:
        database = Database(url, clock=Clock(), application_name="bench-ledger", pool_size=CLIENTS)
        bare = await asyncpg.create_pool(url, min_size=CLIENTS, max_size=CLIENTS)
        pool_id = await _pool(bare)
        turns, least = 0.0, 0.0
        for _ in range(rounds + 1):
            least = max(least, await _rate(lambda: _bare(bare), seconds))
            turns = max(turns, await _rate(lambda: _turn(database, pool_id), seconds))
        await bare.close()
        await database.close()
    print(
        f"ledger: {turns:.0f} holds/s, each released again, by {CLIENTS} clients on one pool;"
        f" bare row locks {least:.0f}/s, ratio of transactions {2 * turns / least:.2f}"
    )
    return {
        "holds_per_s": round(turns, 1),
        "bare_per_s": round(least, 1),
        "ratio_to_bare": round(2 * turns / least, 3),
    }


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    """A PostgreSQL for this measurement only, with a database that has referral's tables."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-ledger-") as folder:
            server = await start_postgres(Path(folder), family=family)
            connection = await asyncpg.connect(server.url())
            await connection.execute("CREATE DATABASE ledger")
            await connection.close()
            await asyncio.to_thread(upgrade, "referral", server.url("ledger"))
            yield server.url("ledger")
    finally:
        family.close()


async def _pool(connections: "asyncpg.Pool[asyncpg.Record]") -> UUID:
    pool_id = uuid4()
    await connections.execute(_POOL, pool_id, uuid4(), MAXIMUM, datetime.now(UTC))
    await connections.execute("CREATE TABLE bare (id int PRIMARY KEY, held int NOT NULL)")
    await connections.execute("INSERT INTO bare VALUES (1, 0)")
    return pool_id


async def _rate(turn: Turn, seconds: float) -> float:
    """The number of turns per second that count, over all clients."""
    started = time.monotonic()

    async def client() -> int:
        done = 0
        while time.monotonic() - started < seconds:
            done += await turn()
        return done

    counts = await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return sum(counts) / (time.monotonic() - started)


async def _turn(database: Database, pool_id: UUID) -> bool:
    offer_id = uuid4()
    async with database.transaction() as session:
        (held,) = await places.hold(session, [{pool_id: 1}])
        if held:
            await places.record_holds(session, [Hold(offer_id, pool_id, 1, None)], at=now(session))
    if held:
        async with database.transaction() as session:
            await places.lock(session, (), of_offers=[offer_id])
            await places.release(session, {offer_id: False}, at=now(session))
    return held


async def _bare(connections: "asyncpg.Pool[asyncpg.Record]") -> bool:
    async with connections.acquire() as connection, connection.transaction():
        await connection.fetchval("SELECT held FROM bare WHERE id = 1 FOR UPDATE")
        await connection.execute("UPDATE bare SET held = held + 1 WHERE id = 1")
    return True
