"""Compares how fast the relay and a bare loop empty a full outbox. The loop reads rows, sends them and deletes them.

The bare loop sends the key, the value and the same CloudEvents headers. It has no leader election, no archive and no
checks, and does not keep the order per key after a crash. The two sides take turns on the same servers; the rates are
medians.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import asyncpg
import psutil

from bench.buses import cpu_of, new_database, new_topic, servers
from bench.measuring import spent
from deploy.local.infra import Servers
from libs.events import kafka
from libs.events.relay import BATCH_ROWS, Relay
from libs.events.topics import Topic

LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 300.0

_FILL = """
    INSERT INTO outbox (event_id, topic, key, type, payload)
    SELECT uuidv7(), $1, 'key-' || n % 5000, 'thing.numbered.v1', convert_to(rpad('{"n":' || n || ',"p":"', 498, 'x')
        || '"}', 'UTF8')
    FROM generate_series(1, $2) AS n
"""
_LEFT = "SELECT true FROM outbox ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True)
class Drain:
    """The result of one run: the speed and the cost with which the outbox was emptied."""

    rows_per_s: float
    cpu_us_per_row: float


async def measure(*, rows: int = 100_000, rounds: int = 5) -> dict[str, Any]:
    """Let the two sides empty an outbox of `rows` rows of 500 bytes in turns; prints one line.

    Each side does it `rounds` times after a warm-up.
    """
    async with servers() as running:
        url = await new_database(running)
        topic = await new_topic(running)
        sides: dict[str, list[Drain]] = {"ours": [], "bare": []}
        for number in range(rounds + 1):
            for name, drain in (("ours", _ours), ("bare", _bare)):
                result = await _measured(running, url, topic, rows, drain)
                if number:
                    sides[name].append(result)
    rates = {name: statistics.median(one.rows_per_s for one in found) for name, found in sides.items()}
    cpu = {name: statistics.median(one.cpu_us_per_row for one in found) for name, found in sides.items()}
    ratio = rates["ours"] / rates["bare"]
    print(
        f"relay: {rates['ours']:,.0f} rows/s, bare loop {rates['bare']:,.0f}, ratio {ratio:.2f};"
        f" CPU {cpu['ours']:.0f} and {cpu['bare']:.0f} us a row"
    )
    return {
        "ratio_to_bare": round(ratio, 3),
        "cpu_ratio_to_bare": round(cpu["bare"] / cpu["ours"], 3),
        "rows_per_s": round(rates["ours"]),
        "bare_rows_per_s": round(rates["bare"]),
    }


Drained = Callable[[Servers, str, Topic, Callable[[], Awaitable[None]]], Awaitable[float]]


async def _measured(running: Servers, url: str, topic: Topic, rows: int, drain: Drained) -> Drain:
    """Run one side: it calls `fill` to fill the outbox, and returns the seconds until the outbox is empty again."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("TRUNCATE outbox, outbox_sent")
        own = psutil.Process()
        before: dict[str, float] = {}

        async def fill() -> None:
            await connection.execute(_FILL, topic.name, rows)
            await connection.execute("ANALYZE outbox")
            before.update(cpu_of(running) | {"own": sum(own.cpu_times()[:2])})

        seconds = await drain(running, url, topic, fill)
        after = cpu_of(running) | {"own": sum(own.cpu_times()[:2])}
    finally:
        await connection.close()
    return Drain(rows / seconds, 1e6 * sum(spent(before, after).values()) / rows)


async def _ours(running: Servers, url: str, topic: Topic, fill: Callable[[], Awaitable[None]]) -> float:
    await fill()
    stop = asyncio.Event()
    relay = Relay(url, running.kafka.bootstrap_servers, source="urn:bench:relay", topics={topic.name: topic})
    connection = await asyncpg.connect(url)
    started = time.monotonic()
    work = asyncio.create_task(relay.run(stop))
    try:
        while await connection.fetchval(_LEFT):
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise TimeoutError("the relay didn't drain the outbox")
            await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - started
    finally:
        stop.set()
        await work
        await connection.close()


async def _bare(running: Servers, url: str, topic: Topic, fill: Callable[[], Awaitable[None]]) -> float:
    await fill()
    started = time.monotonic()
    connection = await asyncpg.connect(url)
    producer = kafka.producer(running.kafka.bootstrap_servers, client_id="bench-bare")
    await producer.start()
    try:
        while rows := await connection.fetch(
            "SELECT id, event_id, key, type, payload, created_at FROM outbox ORDER BY id LIMIT $1", BATCH_ROWS
        ):
            await _send(producer, topic, rows)
            await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", [row[0] for row in rows])
        return time.monotonic() - started
    finally:
        await producer.stop()
        await connection.close()


async def _send(producer: kafka.Producer, topic: Topic, rows: list[Any]) -> None:
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(crc32(row[2].encode()) % topic.partitions, []).append(row)
    sent = []
    for partition, group in groups.items():
        batch = producer.create_batch()
        for row in group:
            key, headers = row[2].encode(), _headers(row)
            if batch.append(timestamp=None, key=key, value=row[4], headers=headers) is None:
                sent.append(await producer.send_batch(batch, topic.name, partition=partition))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=row[4], headers=headers)
        sent.append(await producer.send_batch(batch, topic.name, partition=partition))
    await asyncio.gather(*sent)


def _headers(row: Any) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row[1]).encode()),
        ("ce_source", b"urn:bench:bare"),
        ("ce_type", row[3].encode()),
        ("ce_time", row[5].isoformat().encode()),
        ("content-type", b"application/json"),
    ]
