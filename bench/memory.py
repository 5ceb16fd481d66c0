"""Measures whether the memory of a worker grows while its consumer and its relay process a million events.

The worker is a separate process. It handles every event, writes an effect, and appends another event to the outbox, so
that all parts of the bus are used. The result is the slope of the worker's resident memory over the number of events,
fitted after a warm-up.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import asyncpg
import psutil
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.buses import Numbered, new_database, new_topic, numbered, servers
from bench.measuring import value
from deploy.local.infra import Servers
from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.events import outbox
from libs.events.consumer import Consumer
from libs.events.event import Received
from libs.events.relay import Relay
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic

GROUP = "bench-memory"
WARM_UP_SHARE = 0.3
FILL_ROWS = 50_000
LOOK_SECONDS = 0.5
PATIENCE_LOOKS = 240
MIB = 1024 * 1024

_FILL = """
    INSERT INTO outbox (event_id, topic, key, type, payload)
    SELECT uuidv7(), $1, 'key-' || n % 5000, 'thing.numbered.v1',
        convert_to('{"key_name":"key-' || n % 5000 || '","number":' || n || '}', 'UTF8')
    FROM generate_series(1, $2) AS n
"""


async def measure(*, events: int = 1_000_000) -> dict[str, Any]:
    """Send `events` events through one worker and fit its memory; prints one line."""
    async with servers() as running:
        points = await _points(running, events)
    rest = [point for point in points if point[0] >= WARM_UP_SHARE * events]
    slope = _slope(rest)
    print(
        f"memory: {rest[0][1]:.0f} MiB after {rest[0][0]:,} events, {rest[-1][1]:.0f} MiB after {rest[-1][0]:,};"
        f" {slope / 10:+.2f} MiB per 100,000"
    )
    return {"mb_per_million": round(slope, 2), "mb": round(rest[-1][1], 1), "events": events}


async def _points(running: Servers, events: int) -> list[tuple[int, float]]:
    """Pairs, in the order of time: the number of events handled, and the worker's resident memory in MiB."""
    url = await new_database(running)
    source, target = await new_topic(running), await new_topic(running)
    given = {"url": url, "bootstrap": running.kafka.bootstrap_servers}
    given |= {"source": json.dumps(asdict(source)), "target": json.dumps(asdict(target))}
    await value(url, "CREATE TABLE progress (handled bigint NOT NULL)")
    worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.memory", json.dumps(given))
    filling = asyncio.create_task(_fill(url, source, events))
    points: list[tuple[int, float]] = []
    process, still = psutil.Process(worker.pid), 0
    try:
        while not points or points[-1][0] < events:
            await asyncio.sleep(LOOK_SECONDS)
            handled = await value(url, "SELECT coalesce(sum(handled), 0)::bigint FROM progress")
            still = still + 1 if points and points[-1][0] == handled else 0
            if still > PATIENCE_LOOKS or worker.returncode is not None:
                raise TimeoutError(f"the worker stopped at {handled} events")
            points.append((handled, process.memory_info().rss / MIB))
        await filling
    finally:
        filling.cancel()
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
    return points


async def _fill(url: str, topic: Topic, events: int) -> None:
    """Keep events in the outbox until all are written, with no more than about FILL_ROWS of them not yet handled."""
    connection = await asyncpg.connect(url)
    try:
        filled = 0
        while filled < events:
            handled = await connection.fetchval("SELECT coalesce(sum(handled), 0)::bigint FROM progress")
            if filled - handled > FILL_ROWS:
                await asyncio.sleep(0.1)
                continue
            count = min(FILL_ROWS // 2, events - filled)
            await connection.execute(_FILL, topic.name, count)
            filled += count
    finally:
        await connection.close()


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """The growth in MiB per million events, fitted by least squares."""
    if len(points) < 3:
        raise ValueError("at least 3 points are needed to fit a slope")
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return 1e6 * above / sum((x - mean_x) ** 2 for x, _ in points)


async def _work(given: dict[str, str]) -> None:
    """The worker process; it runs until it is killed."""
    source, target = Topic(**json.loads(given["source"])), Topic(**json.loads(given["target"]))
    database = Database(given["url"], clock=Clock(), application_name="bench-memory")
    topics = {source.name: source, target.name: target}
    subscriptions = _handlers(numbered(source), numbered(target))
    stop = asyncio.Event()
    consumer = Consumer(given["bootstrap"], subscriptions, transaction=database.transaction, topics=topics)
    relay = Relay(given["url"], given["bootstrap"], source="urn:bench:memory", topics=topics)
    await asyncio.gather(consumer.run(stop), relay.run(stop))


def _handlers(source: type[Numbered], target: type[Numbered]) -> Subscriptions:
    subscriptions = Subscriptions(GROUP)

    @subscriptions.on(source)
    async def pass_on(session: AsyncSession, batch: Sequence[Received[Numbered]]) -> None:
        await (await raw(session)).execute("INSERT INTO progress VALUES ($1)", len(batch))
        await outbox.append(
            session, [target(key_name=received.key, number=received.event.number) for received in batch]
        )

    return subscriptions


if __name__ == "__main__":
    asyncio.run(_work(json.loads(sys.argv[1])))
