"""Writers of the ledger as a process of its own, to be killed: `python -m tests.service.referral.writers '{...}'`.

It says `ready` once all its writers are connected. Sent SIGUSR1, it stops in the middle of a transaction that has
written, with the pool locked, and says `written`: that is the moment to kill it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.clock import Clock
from libs.chassis.database import Database, now, raw
from services.referral.places import actions as places
from services.referral.places.actions import Hold
from tests.service.referral import making

MAXIMUM = 30
"""The highest maximum that is ever declared; the lowest is a third of it."""
LONGEST_SECONDS = 0.004
"""How long a transaction rests at the most once it has written, so that there is something to kill."""

_SOME_HOLD = """
SELECT offer_id, status FROM place_hold WHERE status <> 'released' ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED
"""


async def hold_some(session: AsyncSession, pool_id: UUID) -> bool:
    count, offer_id = random.randint(1, 4), uuid4()
    (granted,) = await places.hold(session, [{pool_id: count}])
    if granted:
        await places.record_holds(session, [Hold(offer_id, pool_id, count, None)], at=now(session))
    return granted


async def end_some(session: AsyncSession) -> bool:
    """Take or release what anybody holds, its row locked as a journey would be."""
    row = await (await raw(session)).fetchrow(_SOME_HOLD)
    if row is None:
        return False
    await places.lock(session, (), of_offers=[row["offer_id"]])
    if row["status"] == "held" and random.random() < 0.4:
        await places.take(session, [row["offer_id"]], at=now(session))
    else:
        await places.release(session, {row["offer_id"]: random.random() < 0.3}, at=now(session))
    return True


async def declare_some(session: AsyncSession, given: dict[str, Any], pool_id: UUID) -> None:
    declared = making.capacity(
        UUID(given["service_id"]),
        UUID(given["organization_id"]),
        pool_id=pool_id,
        maximum=random.randint(MAXIMUM // 3, MAXIMUM),
        version=int(time.monotonic() * 1000) % 2**31,
        as_of=datetime.now(UTC),
    )
    await places.declare(session, [declared])


async def write(database: Database, given: dict[str, Any], halt: asyncio.Event) -> None:
    """One writer, for ever."""
    pool_id = UUID(given["pool_id"])
    while True:
        async with database.transaction() as session:
            dice, written = random.random(), False
            if dice < 0.5:
                written = await hold_some(session, pool_id)
            elif dice < 0.93:
                written = await end_some(session)
            else:
                await declare_some(session, given, pool_id)
            if written and halt.is_set():
                print("written", flush=True)
                time.sleep(3600)  # noqa: ASYNC251 (nothing of this process goes on until it is killed)
            await asyncio.sleep(random.random() * LONGEST_SECONDS)


async def main(given: dict[str, Any]) -> None:
    """As many writers as are asked for, each on a connection of its own."""
    random.seed(os.getpid())
    database = Database(given["url"], clock=Clock(), application_name=given["name"], pool_size=given["writers"])
    halt = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, halt.set)
    together = asyncio.Barrier(given["writers"])
    await asyncio.gather(*(connect(database, together) for _ in range(given["writers"])))
    print("ready", flush=True)
    await asyncio.gather(*(write(database, given, halt) for _ in range(given["writers"])))


async def connect(database: Database, together: asyncio.Barrier) -> None:
    """Open a connection of this process, all of them at once."""
    async with database.transaction() as session:
        await (await raw(session)).execute("SELECT 1")
        await together.wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
