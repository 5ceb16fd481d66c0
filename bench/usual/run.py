"""Runs the usual stack as three processes on the services' migrated databases; measures it as `bench.chain` does."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.arrivals import NEEDS, arrivals, send_all
from bench.chain import PATIENCE_SECONDS, Result, Running
from bench.floor.stage import PARTITIONS
from bench.measuring import cpu_seconds, seconds_between, spent, until, value
from bench.usual import notifications, referral, registration
from bench.usual.stage import READY, group_of
from deploy.local.installation import ROOT

STAGES = {
    "registration": registration.LISTENS_TO,
    "referral": referral.LISTENS_TO,
    "notifications": notifications.LISTENS_TO,
}
START_SECONDS = 90.0


@dataclass(frozen=True)
class Usual:
    """The running processes of the usual stack, and the servers that they use."""

    running: Running
    pids: dict[str, int]


@asynccontextmanager
async def usual(running: Running) -> AsyncIterator[Usual]:
    """Starts the three services as processes on the databases of `running`. The services of `running` must be stopped.

    Raises TimeoutError if one does not consume within 90 seconds, and RuntimeError if one ends before it consumes.
    """
    databases, kafka = running.system.databases, running.system.environment["KAFKA_BOOTSTRAP_SERVERS"]
    environment = {**databases, "KAFKA_BOOTSTRAP_SERVERS": kafka, "PATH": "/usr/bin:/bin"}
    processes: dict[str, Process] = {}
    try:
        for name, topic in STAGES.items():
            await _skip(kafka, group_of(name), topic)
            processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.usual", name, cwd=ROOT, env=environment, stdout=PIPE
            )
        async with asyncio.timeout(START_SECONDS):
            await asyncio.gather(*(_ready(name, process) for name, process in processes.items()))
        servers = {name: pid for name, pid in running.pids.items() if name in {"postgres", "kafka"}}
        yield Usual(running, servers | {name: process.pid for name, process in processes.items()})
    finally:
        for process in processes.values():
            if process.returncode is None:
                process.terminate()
        for process in processes.values():
            await process.wait()


async def _skip(kafka: str, group: str, topic: str) -> None:
    """Move the positions of a group to the ends of the topic, so that it skips the events of earlier runs."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


async def _ready(name: str, process: Process) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.decode().strip() == READY:
            return
    raise RuntimeError(f"{name} of the usual stack ended before it consumed")


async def measure_usual(usual: Usual, returnees: int, *, run: str) -> Result:
    """Does the same as `chain.measure_chain`, for the usual stack."""
    running = usual.running
    messages = list(arrivals(returnees, run=run))
    before = cpu_seconds(usual.pids)
    deliveries = "SELECT count(*) FROM delivery"
    expected = await value(running.url("NOTIFICATIONS"), deliveries) + returnees * len(NEEDS)
    started = await send_all(running.system.environment["KAFKA_BOOTSTRAP_SERVERS"], messages)

    async def done() -> bool:
        return bool(await value(running.url("NOTIFICATIONS"), deliveries) >= expected)

    await until(done, what="the usual stack's delivery rows", within_s=PATIENCE_SECONDS)
    last = await value(running.url("NOTIFICATIONS"), "SELECT max(stored_at) FROM delivery")
    return Result(returnees, seconds_between(started, last), spent(before, cpu_seconds(usual.pids)))
