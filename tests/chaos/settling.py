"""Waits until the system has come to rest, and holds it still: every service stopped where it is, nothing on its way.

Clocks go on ringing while services run, so the look happens while they are stopped by SIGSTOP: what is then seen is
one state of everything. A commit that was under way when its service was stopped is still made by PostgreSQL, maybe
after the look: so it is looked once more after the reading. If something was on its way, the services go on and all is
done again.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from libs.chassis.walls import WORKS_FOR
from libs.events.topics import TOPICS
from tests.chaos.evidence import Evidence
from tests.chaos.load import Load
from tests.chaos.reading import handled_types
from tests.chaos.stage import SERVICE_NAMES, Stage, unready

LOOK_SECONDS = 0.7
TELL_SECONDS = 15.0
LONGEST_RETRY_SECONDS = 900.0
"""How long a webhook that has failed often may wait for its next attempt beyond everybody's patience."""
WEBHOOKS = "webhooks on their way"
LOOK_FAULTS = (OSError, asyncpg.PostgresError, KafkaError)
"""What is back in a moment."""
Say = Any


async def at_rest(
    stage: Stage, load: Load, *, patience_s: float, say: Say, read: Callable[[], Awaitable[Evidence]]
) -> tuple[Evidence, list[str]]:
    """What `read` finds while the services stand still, and what had not come to rest in the end.

    A webhook that failed five times during the faults waits hours of the clock for its sixth attempt: where patience
    ends before, it is waited for once more. The attempt itself may end just before patience does, among events of
    clocks that run meanwhile: these get a quarter of the patience after it.
    """
    stage.heal()
    load.partners.is_closing = True
    stage.receivers.fail_share = 0.0
    loop = asyncio.get_running_loop()
    until, tell_at, extended = loop.time() + patience_s, loop.time() + TELL_SECONDS, False
    webhooks_wait = False
    while True:
        missing = await _on_its_way(stage, load)
        waited, webhooks_wait = webhooks_wait, any(WEBHOOKS in one for one in missing)
        if waited and not webhooks_wait:
            until = max(until, loop.time() + patience_s / 4)
        if loop.time() > until and not extended and (wait := await retries_wait(stage)):
            extended, until = True, loop.time() + min(wait, LONGEST_RETRY_SECONDS) + patience_s / 4
            say(f"a webhook is to be tried again in {wait:.0f} s")
        if not missing or loop.time() > until:
            with standing_still(stage):
                missing = missing or await looked_at(stage)
                if not missing or loop.time() > until:
                    found = await read()
                    missing = missing or await looked_at(stage)
                    if not missing or loop.time() > until:
                        return found, missing
        if loop.time() > tell_at:
            tell_at += TELL_SECONDS
            say(f"still on its way: {'; '.join(missing[:3])}")
        await asyncio.sleep(LOOK_SECONDS)


@contextmanager
def standing_still(stage: Stage) -> Iterator[None]:
    """All four services are stopped where they are, and go on afterwards."""
    pids = [pid for name in SERVICE_NAMES if (pid := stage.system.parts[name].running_pid) is not None]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def _on_its_way(stage: Stage, load: Load) -> list[str]:
    """What can be seen without stopping anybody."""
    if load.busy_count:
        return [f"{load.busy_count} inputs wait for their answer"]
    away = [name for name, part in stage.system.parts.items() if part.running_pid is None]
    away = away or await unready(stage)
    if away:
        return [f"{', '.join(away)} not ready"]
    try:
        return await looked_at(stage)
    except LOOK_FAULTS as error:
        return [f"a look failed with {type(error).__name__}"]


async def looked_at(stage: Stage) -> list[str]:
    """What is still on its way, by the databases and by Kafka.

    The ends of the logs are read first. Clocks produce events all the time while services run: with ends read after the
    positions, the events of the moment in between would count as not handled at every look.
    """
    ends = await _ends(stage.kafka_direct)
    found = []
    positions: dict[tuple[str, str, int], int] = {}
    for name in SERVICE_NAMES:
        connection = await asyncpg.connect(stage.database(name), server_settings={WORKS_FOR: "service"})
        try:
            waiting = await connection.fetchval("SELECT count(*) FROM outbox")
            if waiting:
                found.append(f"{waiting} events in the outbox of {name}")
            for row in await connection.fetch(
                "SELECT consumer_group, topic, partition, next_offset FROM consumer_position"
            ):
                positions[row[0], row[1], row[2]] = row[3]
            if name == "notifications":
                sending = await connection.fetchval(
                    "SELECT count(*) FROM delivery WHERE status IN ('pending', 'sending')"
                )
                if sending:
                    found.append(f"{sending} {WEBHOOKS}")
        finally:
            await connection.close()
    return found or _behind(stage, positions, ends)


async def retries_wait(stage: Stage) -> float:
    """Seconds until the last webhook that failed before is to be tried again; 0 where none waits or none is seen."""
    try:
        connection = await asyncpg.connect(stage.database("notifications"), server_settings={WORKS_FOR: "service"})
    except LOOK_FAULTS:
        return 0.0
    try:
        due = await connection.fetchval(
            "SELECT max(due_at) FROM delivery WHERE status = 'pending' AND attempt_count > 0"
        )
    finally:
        await connection.close()
    shows = stage.clock.at(datetime.now(UTC))
    return 0.0 if due is None else max((due - shows).total_seconds() / stage.clock.rate, 0.0)


def _behind(stage: Stage, positions: dict[tuple[str, str, int], int], ends: dict[str, dict[int, int]]) -> list[str]:
    return [
        f"{group} is {end - positions.get((group, topic, number), 0)} behind on {topic} {number}"
        for group, handled in handled_types(stage).items()
        for topic in {topic for topic, _ in handled}
        for number, end in ends[topic].items()
        if positions.get((group, topic, number), 0) < end
    ]


async def _ends(bootstrap_servers: str) -> dict[str, dict[int, int]]:
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers)
    await consumer.start()
    try:
        partitions = [TopicPartition(name, n) for name, topic in TOPICS.items() for n in range(topic.partitions)]
        ends: dict[str, dict[int, int]] = {}
        for partition, end in (await consumer.end_offsets(partitions)).items():
            ends.setdefault(partition.topic, {})[partition.partition] = end
        return ends
    finally:
        await consumer.stop()
