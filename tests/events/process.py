"""A relay or a consumer as a process of its own, to be killed: `python -m tests.events.process relay '{...}'`.

`start` runs it from a test, with a crash point armed if one is named.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from libs.events.crashpoints import CrashPoint
from libs.events.topics import Topic
from tests.events.bus import Bus, database_for


@asynccontextmanager
async def start(
    role: str, bus: Bus, *, crash: CrashPoint | None = None, visit: int = 1
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a relay or consumer of this bus as a process; killed at the end if it is still there."""
    given = {"dsn": bus.dsn, "bootstrap": bus.bootstrap, "group": bus.group, "topic": asdict(bus.topic)}
    environment = os.environ | ({"EVENTS_CRASHPOINT": f"{crash}:{visit}"} if crash else {})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.events.process", role, json.dumps(given), env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def killed_itself(process: asyncio.subprocess.Process) -> None:
    """Wait until the crash point has ended the process."""
    assert await asyncio.wait_for(process.wait(), 40) == -signal.SIGKILL


async def main(role: str, given: dict[str, object]) -> None:
    """Run until killed."""
    topic = Topic(**given["topic"])  # type: ignore[arg-type]
    bus = Bus(str(given["dsn"]), str(given["bootstrap"]), topic, database_for(str(given["dsn"])), str(given["group"]))
    # A static member: the next process of the same name takes its partitions up at once.
    loop = bus.relay() if role == "relay" else bus.consumer(instance_id=bus.group)
    await loop.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
