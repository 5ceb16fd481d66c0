"""Compares the cost of an event in an empty database with its cost in a database that contains a million events.

The events of a load are appended to the outbox, published, consumed with one effect each, and archived. The filled
database has a million rows in the archive and a million in the inbox; half of them are of today, and all belong to the
same group and source. The two databases take turns on the same servers. The results are ratios of medians: of CPU time
(both servers and this process) and of wall time.
"""

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from bench.buses import new_database, new_topic, numbered, servers
from bench.busload import GROUP, PATIENCE_SECONDS, SOURCE, Way, load
from deploy.local.infra import Servers
from libs.events.retention import TABLES, partition_of

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


async def measure(*, stored: int = 1_000_000, events: int = 20_000, rounds: int = 5) -> dict[str, Any]:
    """Run `events` events on both in turns, `rounds` times after a warm-up; prints one line."""
    async with servers() as running:
        sides = {"empty": await _side(running, stored=0), "filled": await _side(running, stored=stored)}
        cpu: dict[str, list[float]] = {name: [] for name in sides}
        wall: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(rounds + 1):
            for name in sorted(sides, reverse=bool(number % 2)):
                cpu_s, wall_s = await load(running, sides[name], events)
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


async def _side(running: Servers, *, stored: int) -> Way:
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
            await connection.execute(_INBOX, stored, GROUP, SOURCE, timeout=PATIENCE_SECONDS)
            await connection.execute(_ARCHIVE, stored, timeout=PATIENCE_SECONDS)
        # Autovacuum would have done this in a database that had grown slowly.
        await connection.execute("VACUUM ANALYZE", timeout=PATIENCE_SECONDS)
        await connection.execute("CHECKPOINT", timeout=PATIENCE_SECONDS)
    finally:
        await connection.close()
    return Way(url, running.kafka.bootstrap_servers, topic, numbered(topic))
