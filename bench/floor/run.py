"""The floor, run: three processes on migrated databases of the same services, measured like the chain itself."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.arrivals import NEEDS, flights, send_all
from bench.chain import PATIENCE_S, Result, Running
from bench.measuring import cpu_seconds, seconds_between, spent, until, value
from deploy.local.installation import ROOT

STAGES = ("registration", "referral", "notifications")


@asynccontextmanager
async def stages(running: Running) -> AsyncIterator[dict[str, int]]:
    """The three stages as processes, on the databases of `running`, whose own services are stopped."""
    databases, kafka = running.system.databases, running.system.environment["KAFKA_BOOTSTRAP_SERVERS"]
    environment = {**databases, "KAFKA_BOOTSTRAP_SERVERS": kafka, "PATH": "/usr/bin:/bin"}
    processes = {
        name: await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.floor", name, cwd=ROOT, env=environment)
        for name in STAGES
    }
    try:
        yield {name: process.pid for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            await process.wait()


async def measure_floor(running: Running, returnees: int, *, run: str) -> Result:
    """As `chain.measure_chain`, for the floor."""
    servers = {name: pid for name, pid in running.pids.items() if name in {"postgres", "kafka"}}
    async with stages(running) as pids:
        await asyncio.sleep(3)  # let the interpreters come up; nothing is measured yet
        messages = [message for message in flights(returnees, run=run) if message.type == "returnee.arrived.v1"]
        before = cpu_seconds(servers | pids)
        deliveries = "SELECT count(*) FROM delivery"
        count_before = await value(running.url("NOTIFICATIONS"), deliveries)
        started = await send_all(running.system.environment["KAFKA_BOOTSTRAP_SERVERS"], messages)

        async def done() -> bool:
            count = await value(running.url("NOTIFICATIONS"), deliveries)
            return bool(count >= count_before + returnees * len(NEEDS))

        await until(done, what="the floor's delivery rows", within_s=PATIENCE_S)
        last = await value(running.url("NOTIFICATIONS"), "SELECT max(stored_at) FROM delivery")
        after = cpu_seconds(servers | pids)
    return Result(returnees, seconds_between(started, last), spent(before, after))
