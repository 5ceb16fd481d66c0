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
from pathlib import Path
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import consumer, kafka, relay
from libs.events.postgres import raw
from libs.events.processes.crashpoints import CrashPoint
from libs.events.relaying import retiring
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic
from tests.events.bus import Bus, database_for


@asynccontextmanager
async def start(
    role: str, bus: Bus, *, crash: CrashPoint | None = None, visit: int = 1, **options: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a relay or consumer of this bus as a process; killed at the end if it is still there.

    Options of a relay: `silence_seconds`, `retire_seconds` and `retire_rows`; of a consumer: `session_timeout_ms`,
    `lanes` per topic, `dynamic` for a member without a name, `halt_key` for a handler that never comes back from a
    batch with that key. `hold_before` and `hold_in` name a file: before its first transaction with events, or in the
    middle of it, the process blocks its event loop until the file is there. It prints a line when it begins to.
    """
    given = {"dsn": bus.dsn, "bootstrap": bus.bootstrap, "group": bus.group, "topic": asdict(bus.topic)} | options
    environment = os.environ | ({"EVENTS_CRASHPOINT": f"{crash}:{visit}"} if crash else {})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.events.process", role, json.dumps(given)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def killed_itself(process: asyncio.subprocess.Process) -> None:
    """Wait until the crash point has ended the process."""
    assert await asyncio.wait_for(process.wait(), 300) == -signal.SIGKILL


async def holding(process: asyncio.subprocess.Process) -> None:
    """Wait until the process blocks its event loop."""
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 300) == b"holding\n"


def hold_until(path: str | None) -> None:
    """Block this process until a file is there."""
    if path is not None:
        print("holding", flush=True)
        while not Path(path).exists():
            time.sleep(0.02)


def handlers(bus: Bus, given: dict[str, Any]) -> Subscriptions:
    """The bus's handlers, with the hooks that the options name."""
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def obey(session: AsyncSession, batch: Sequence[Any]) -> None:
        # As a service's database has it, only sooner.
        await (await raw(session)).execute("SET LOCAL idle_in_transaction_session_timeout = '2s'")
        hold_until(given.pop("hold_in", None))
        if any(received.key == given.get("halt_key") for received in batch):
            await asyncio.Event().wait()

    return subscriptions


async def consume(bus: Bus, given: dict[str, Any]) -> None:
    """Run the consumer."""
    kafka.SESSION_TIMEOUT_MS = given.get("session_timeout_ms", kafka.SESSION_TIMEOUT_MS)
    consumer.LANES_PER_TOPIC = given.get("lanes", consumer.LANES_PER_TOPIC)

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncSession]:
        membership = member._membership
        if membership is not None and any(one.in_hand for one in membership.partitions.values()):
            hold_until(given.pop("hold_before", None))
        async with bus.database.transaction() as session:
            yield session

    # A static member: the next process of the same name takes its partitions up at once.
    name = None if given.get("dynamic") else bus.group
    member = bus.consumer(handlers(bus, given), instance_id=name, transaction=transaction)
    await member.run(asyncio.Event())


async def main(role: str, given: dict[str, Any]) -> None:
    """Run until killed."""
    topic = Topic(**given["topic"])
    bus = Bus(given["dsn"], given["bootstrap"], topic, database_for(given["dsn"]), given["group"])
    if role == "relay":
        retiring.RETIRE_SECONDS = given.get("retire_seconds", retiring.RETIRE_SECONDS)
        retiring.RETIRE_ROWS = given.get("retire_rows", retiring.RETIRE_ROWS)
        relay.MEASURE_SECONDS = given.get("retire_seconds", relay.MEASURE_SECONDS)  # it retires before it measures
        await bus.relay(**{name: given[name] for name in ("silence_seconds",) if name in given}).run(asyncio.Event())
    else:
        await consume(bus, given)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
