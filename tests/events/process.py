"""A relay or a consumer as a process of its own, to be killed: `python -m tests.events.process relay '{...}'`.

`start` runs it from a test, with a crash point armed if one is named.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import consumer, kafka
from libs.events.crashpoints import CrashPoint
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic
from tests.events.bus import Bus, database_for


@asynccontextmanager
async def start(
    role: str, bus: Bus, *, crash: CrashPoint | None = None, visit: int = 1, **options: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a relay or consumer of this bus as a process; killed at the end if it is still there.

    Options: `silence_seconds` of a relay; of a consumer `session_timeout_ms`, `lanes` per topic, `dynamic` for a
    member without a name, `freeze_seconds` for a handler that blocks the event loop once, `halt_key` for one that never
    comes back from a batch with that key.
    """
    given = {"dsn": bus.dsn, "bootstrap": bus.bootstrap, "group": bus.group, "topic": asdict(bus.topic)} | options
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


def handlers(bus: Bus, given: dict[str, Any]) -> Subscriptions:
    """The bus's handlers, with the hooks that the options name."""
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def obey(session: AsyncSession, batch: Sequence[Any]) -> None:
        if seconds := given.pop("freeze_seconds", None):
            time.sleep(seconds)  # noqa: ASYNC251 - to block the event loop is what it is for
        if any(received.key == given.get("halt_key") for received in batch):
            await asyncio.Event().wait()

    return subscriptions


async def main(role: str, given: dict[str, Any]) -> None:
    """Run until killed."""
    topic = Topic(**given["topic"])
    bus = Bus(given["dsn"], given["bootstrap"], topic, database_for(given["dsn"]), given["group"])
    if role == "relay":
        await bus.relay(**{name: given[name] for name in ("silence_seconds",) if name in given}).run(asyncio.Event())
        return
    kafka.SESSION_TIMEOUT_MS = given.get("session_timeout_ms", kafka.SESSION_TIMEOUT_MS)
    consumer.LANES_PER_TOPIC = given.get("lanes", consumer.LANES_PER_TOPIC)
    # A static member: the next process of the same name takes its partitions up at once.
    name = None if given.get("dynamic") else bus.group
    await bus.consumer(handlers(bus, given), instance_id=name).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
