"""64 writers on one pool, some killed in the middle of a transaction: never above the maximum, nothing leaked."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from libs.chassis.database import now, raw
from services.referral.places import actions as places
from tests.service.referral.world import Provider, World
from tests.service.referral.writers import MAXIMUM

PROCESSES, WRITERS = 8, 8
KILLS = 6
APART = 10
"""Offers for which places were held between two kills."""

# One statement is one state of the database: what is counted and what is held in it must agree.
_LOOK = """
SELECT held, taken, maximum, ceiling, freed_count,
    (SELECT coalesce(sum(place_count) FILTER (WHERE status = 'held'), 0) FROM place_hold) AS held_by_offers,
    (SELECT coalesce(sum(place_count) FILTER (WHERE status = 'taken'), 0) FROM place_hold) AS taken_by_offers
FROM pool
"""


class Observer:
    """Reads the ledger without a pause, and asks no constraint whether it is right."""

    def __init__(self) -> None:
        self.looks = 0
        self.wrong: list[str] = []
        self.fullest = 0

    async def watch(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        before: Any = None
        try:
            while True:
                seen = await connection.fetchrow(_LOOK)
                self.look(seen, before)
                before = seen
        finally:
            await connection.close()

    def look(self, seen: Any, before: Any) -> None:
        self.looks += 1
        used = seen["held"] + seen["taken"]
        self.fullest = max(self.fullest, used)
        if (seen["held"], seen["taken"]) != (seen["held_by_offers"], seen["taken_by_offers"]):
            self.wrong.append(f"counted and held differ: {dict(seen)}")
        if used > seen["ceiling"] or used > MAXIMUM:
            self.wrong.append(f"above what may be: {dict(seen)}")
        same_count = before is not None and before["freed_count"] == seen["freed_count"]
        if same_count and before["held"] + before["taken"] < used and used > seen["maximum"]:
            self.wrong.append(f"rose above the maximum: {dict(before)}, {dict(seen)}")


@asynccontextmanager
async def writing(world: World, shelter: Provider, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of writers; killed at the end."""
    given = {"url": world.url, "name": name, "writers": WRITERS, "pool_id": str(shelter.pool_id)}
    given |= {"service_id": str(shelter.service_id), "organization_id": str(shelter.organization_id)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.service.referral.writers", json.dumps(given)), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def says(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 300)
    assert line.decode().strip() == word


async def killed_in_a_transaction(process: asyncio.subprocess.Process) -> None:
    """End it with SIGKILL while one of its writers has written, not committed, and holds the pool."""
    process.send_signal(signal.SIGUSR1)
    await says(process, "written")
    process.kill()
    assert await process.wait() == -signal.SIGKILL


async def count(world: World, name: str) -> int:
    """How many connections these writers have."""
    row = await world.row("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name)
    return int(row["count"])


async def release_all(world: World) -> None:
    """What the dead left is held, as they committed it: whoever goes on ends it."""
    async with world.database.transaction() as session:
        rows = await (await raw(session)).fetch("SELECT offer_id FROM place_hold WHERE status <> 'released'")
        live = [row["offer_id"] for row in rows]
        await places.lock(session, (), of_offers=live)
        await places.release(session, dict.fromkeys(live, False), at=now(session))


async def test_64_writers_and_kill_9_never_exceed_the_maximum_and_leak_nothing(world: World):
    """The constraint that would stop them is dropped, so that the code must hold by itself.

    Seen to fail with `FOR UPDATE` and the count in `_HOLD` taken out: the observer saw 29 of 24 places in use.
    """
    shelter = await world.provider(places=MAXIMUM)
    await world.by_force("ALTER TABLE pool DROP CONSTRAINT ck_pool_never_above_ceiling")
    observer = Observer()
    watching = asyncio.create_task(observer.watch(world.url))
    names = [f"writers-{number}" for number in range(PROCESSES)]
    running = {name: writing(world, shelter, name) for name in names}
    processes = {name: await one.__aenter__() for name, one in running.items()}
    try:
        for name in names:
            await says(processes[name], "ready")
        assert sum([await count(world, name) for name in names]) == PROCESSES * WRITERS
        for name in names[:KILLS]:
            await more_held(world, APART)
            await killed_in_a_transaction(processes[name])
        assert all(processes[name].returncode is None for name in names[KILLS:]), "the others go on"
    finally:
        for one in running.values():
            await one.__aexit__(None, None, None)
    await gone(world, names)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert observer.wrong == []
    assert observer.looks > 50
    assert observer.fullest > MAXIMUM // 3
    made = await world.row("SELECT count(*) FILTER (WHERE taken_at IS NOT NULL) AS taken, count(*) FROM place_hold")
    assert made["count"] >= KILLS * APART
    assert made["taken"] > 0
    assert await world.promises() == {}
    await release_all(world)
    pool = await world.pool(shelter)
    assert (pool["held"], pool["taken"], pool["ceiling"]) == (0, 0, pool["maximum"])


async def more_held(world: World, offers: int) -> None:
    """Wait until places were held for so many more offers, however slow the machine is."""
    counted = "SELECT count(*) FROM place_hold"
    before = (await world.row(counted))["count"]
    async with asyncio.timeout(300):
        while (await world.row(counted))["count"] < before + offers:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def gone(world: World, names: list[str]) -> None:
    """Wait until PostgreSQL has noticed that they are dead and undone what they left open."""
    deadline = time.monotonic() + 60
    while sum([await count(world, name) for name in names]):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_the_constraint_alone_refuses_what_the_code_would_not_do(world: World):
    shelter = await world.provider(places=3)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_pool_never_above_ceiling"):
        async with world.database.transaction() as session:
            await (await raw(session)).execute("UPDATE pool SET held = 4 WHERE pool_id = $1", shelter.pool_id)
