"""Runs the floor as three processes on the services' own migrated databases, and measures it as `bench.chain` does."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.arrivals import NEEDS, arrivals, send_all
from bench.chain import PATIENCE_SECONDS, Result, Running
from bench.measuring import cpu_seconds, seconds_between, spent, until, value
from deploy.local.installation import ROOT

STAGES = ("registration", "referral", "notifications")


@dataclass(frozen=True)
class Floor:
    """The running processes of the floor, and the servers that they use."""

    running: Running
    pids: dict[str, int]


@asynccontextmanager
async def floor(running: Running) -> AsyncIterator[Floor]:
    """Starts the three stages as processes on the databases of `running`. The services of `running` must be stopped."""
    databases, kafka = running.system.databases, running.system.environment["KAFKA_BOOTSTRAP_SERVERS"]
    environment = {**databases, "KAFKA_BOOTSTRAP_SERVERS": kafka, "PATH": "/usr/bin:/bin"}
    processes = {
        name: await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.floor", name, cwd=ROOT, env=environment)
        for name in STAGES
    }
    try:
        await asyncio.sleep(3)  # The processes need this time to start. The measurement begins later.
        servers = {name: pid for name, pid in running.pids.items() if name in {"postgres", "kafka"}}
        yield Floor(running, servers | {name: process.pid for name, process in processes.items()})
    finally:
        for process in processes.values():
            if process.returncode is None:
                process.terminate()
        for process in processes.values():
            await process.wait()


async def measure_floor(floor: Floor, returnees: int, *, run: str) -> Result:
    """Does the same as `chain.measure_chain`, for the floor."""
    running = floor.running
    messages = list(arrivals(returnees, run=run))
    before = cpu_seconds(floor.pids)
    deliveries = "SELECT count(*) FROM delivery"
    expected = await value(running.url("NOTIFICATIONS"), deliveries) + returnees * len(NEEDS)
    started = await send_all(running.system.environment["KAFKA_BOOTSTRAP_SERVERS"], messages)

    async def done() -> bool:
        return bool(await value(running.url("NOTIFICATIONS"), deliveries) >= expected)

    await until(done, what="the floor's delivery rows", within_s=PATIENCE_SECONDS)
    last = await value(running.url("NOTIFICATIONS"), "SELECT max(stored_at) FROM delivery")
    return Result(returnees, seconds_between(started, last), spent(before, cpu_seconds(floor.pids)))
