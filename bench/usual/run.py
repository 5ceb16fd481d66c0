"""Runs the usual stack as three processes on the services' migrated databases."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.chain import Running, Side
from bench.floor.stage import PARTITIONS
from bench.processes import all_ready, terminate
from bench.usual import notifications, referral, registration
from bench.usual.stage import group_of
from deploy.local.installation import ROOT

STAGES = {
    "registration": registration.LISTENS_TO,
    "referral": referral.LISTENS_TO,
    "notifications": notifications.LISTENS_TO,
}


@asynccontextmanager
async def usual(running: Running) -> AsyncIterator[Side]:
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
        await all_ready("the usual stack", processes)
        pids = {name: process.pid for name, process in processes.items()}
        yield Side(running, running.server_pids | pids, lands=False)
    finally:
        await terminate(processes)


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
