"""Whether an event costs the same in a database that has seen a million: the same load on an empty and a filled one.

A load is appended to the outbox, published, consumed with one effect each, and archived. Filled means a million rows
in the archive and a million in the inbox, half of them of today, of the same group and source. Turns alternate on the
same servers; ratios are of medians, of CPU (both servers and this process) and of wall time.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import psutil
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.buses import Numbered, cpu_of, new_database, new_topic, numbered, servers
from bench.measuring import spent, until, value
from deploy.local.infra import Servers
from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.events import outbox
from libs.events.consumer import Consumer
from libs.events.event import Received
from libs.events.relay import Relay
from libs.events.retention import TABLES, partition_of
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic

GROUP = "bench-flat"
SOURCE = "urn:bench:flat"
CHUNK = 500
PATIENCE_S = 300.0

_INBOX = """
    INSERT INTO inbox (consumer_group, source, event_id, day)
    SELECT $2, $3, uuidv7(-make_interval(days => n % 2))::text, current_date - n % 2 FROM generate_series(1, $1) AS n
"""
_ARCHIVE = """
    INSERT INTO outbox_sent (id, event_id, topic, key, type, payload, created_at, published_at, partition, log_offset)
    SELECT n, uuidv7(), 'gone', 'key-' || n % 5000, 'thing.numbered.v1', convert_to(repeat('x', 200), 'UTF8'),
        now() - make_interval(days => n % 2), now() - make_interval(days => n % 2), n % 12, n
    FROM generate_series(1, $1) AS n
"""


@dataclass(frozen=True)
class Side:
    """One database with its topic and what consumes it."""

    url: str
    topic: Topic
    event: type[Numbered]


async def measure(*, stored: int = 1_000_000, events: int = 20_000, rounds: int = 5) -> dict[str, Any]:
    """Run `events` events on both in turns, `rounds` times after a warm-up; prints one line."""
    async with servers() as running:
        sides = {"empty": await _side(running, stored=0), "filled": await _side(running, stored=stored)}
        cpu: dict[str, list[float]] = {name: [] for name in sides}
        wall: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(rounds + 1):
            for name in sorted(sides, reverse=bool(number % 2)):
                cpu_s, wall_s = await _load(running, sides[name], events)
                if number:
                    cpu[name].append(1e6 * cpu_s / events)
                    wall[name].append(1e6 * wall_s / events)
    cpu_us = {name: statistics.median(found) for name, found in cpu.items()}
    wall_us = {name: statistics.median(found) for name, found in wall.items()}
    ratio = cpu_us["filled"] / cpu_us["empty"]
    wall_ratio = wall_us["filled"] / wall_us["empty"]
    print(
        f"flat: {cpu_us['empty']:.0f} us CPU an event empty, {cpu_us['filled']:.0f} with {stored:,} rows stored, ratio"
        f" {ratio:.2f}; wall time {wall_us['empty']:.0f} and {wall_us['filled']:.0f} us, ratio {wall_ratio:.2f}"
    )
    return {"ratio": round(ratio, 3), "wall_ratio": round(wall_ratio, 3), "cpu_us_per_event": round(cpu_us["filled"])}


async def _side(running: Servers, *, stored: int) -> Side:
    url = await new_database(running)
    topic = await new_topic(running)
    connection = await asyncpg.connect(url)
    try:
        today = datetime.now(UTC).date()
        for table in TABLES:
            for day in (today - timedelta(days=1), today):
                await connection.execute(
                    f"CREATE TABLE {partition_of(table.name, day)} PARTITION OF {table.name}"
                    f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
                )
        if stored:
            await connection.execute(_INBOX, stored, GROUP, SOURCE, timeout=PATIENCE_S)
            await connection.execute(_ARCHIVE, stored, timeout=PATIENCE_S)
        # As autovacuum would have.
        await connection.execute("VACUUM ANALYZE", timeout=PATIENCE_S)
        await connection.execute("CHECKPOINT", timeout=PATIENCE_S)
    finally:
        await connection.close()
    return Side(url, topic, numbered(topic))


async def _load(running: Servers, side: Side, events: int) -> tuple[float, float]:
    """CPU and wall seconds of one load, from its first append until its last effect and an empty outbox."""
    database = Database(side.url, clock=Clock(), application_name="bench-flat")
    topics = {side.topic.name: side.topic}
    bootstrap = running.kafka.bootstrap_servers
    consumer = Consumer(bootstrap, _handlers(side.event), transaction=database.transaction, topics=topics)
    relay = Relay(side.url, bootstrap, source=SOURCE, topics=topics)
    stop = asyncio.Event()
    loops = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(relay.run(stop))]
    try:
        await until(lambda: _ready(consumer, relay), what="consumer and relay ready", within_s=PATIENCE_S)
        wanted = await value(side.url, "SELECT count(*) FROM effect") + events
        own, before, started = psutil.Process(), cpu_of(running), time.monotonic()
        own_before = sum(own.cpu_times()[:2])
        await _append(database, side.event, events)
        await until(lambda: _done(side.url, wanted), what="effects", within_s=PATIENCE_S, every_s=0.05)
        wall_s = time.monotonic() - started
        cpu_s = sum(spent(before, cpu_of(running)).values()) + sum(own.cpu_times()[:2]) - own_before
    finally:
        stop.set()
        await asyncio.gather(*loops)
        await database.close()
    return cpu_s, wall_s


async def _append(database: Database, event: type[Numbered], events: int) -> None:
    for first in range(0, events, CHUNK):
        numbers = range(first, min(first + CHUNK, events))
        async with database.transaction() as session:
            await outbox.append(session, [event(key_name=f"key-{number % 5000}", number=number) for number in numbers])


def _handlers(event: type[Numbered]) -> Subscriptions:
    subscriptions = Subscriptions(GROUP)

    @subscriptions.on(event)
    async def keep(session: AsyncSession, batch: Sequence[Received[Numbered]]) -> None:
        await (await raw(session)).execute(
            "INSERT INTO effect SELECT * FROM unnest($1::bigint[], $2::text[])",
            [received.event.number for received in batch],
            [received.key for received in batch],
        )

    return subscriptions


async def _ready(consumer: Consumer, relay: Relay) -> bool:
    return consumer.why_unready() is None and relay.why_unready() is None


async def _done(url: str, wanted: int) -> bool:
    effects = await value(url, "SELECT count(*) FROM effect")
    return bool(effects >= wanted and not await value(url, "SELECT count(*) FROM outbox"))
