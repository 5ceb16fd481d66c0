"""Runs the floor as three processes on the services' own migrated databases."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.chain import Running, Side
from bench.processes import all_ready, terminate
from deploy.local.installation import ROOT

STAGES = ("registration", "referral", "notifications")


@asynccontextmanager
async def floor(running: Running) -> AsyncIterator[Side]:
    """Starts the three stages as processes on the databases of `running`. The services of `running` must be stopped.

    Each stage begins with the events that are sent after its start.
    """
    databases, kafka = running.system.databases, running.system.environment["KAFKA_BOOTSTRAP_SERVERS"]
    environment = {**databases, "KAFKA_BOOTSTRAP_SERVERS": kafka, "PATH": "/usr/bin:/bin"}
    processes: dict[str, Process] = {}
    try:
        for name in STAGES:
            processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.floor", name, cwd=ROOT, env=environment, stdout=PIPE
            )
        await all_ready("the floor", processes)
        pids = {name: process.pid for name, process in processes.items()}
        yield Side(running, running.server_pids | pids, lands=False)
    finally:
        await terminate(processes)
