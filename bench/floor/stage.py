"""One stage of the floor: a consumer that writes rows, and a relay that sends the outbox. All SQL is set-based."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.processes import READY
from libs.chassis.walls import WORKS_FOR

CONSUME_MAX = 12_000
RELAY_MAX = 5_000
PARTITIONS = 12
POLL_MS = 20
IDLE_SECONDS = 0.005

Record = tuple[str, dict[str, Any]]
"""Event type and data."""
Outgoing = tuple[str, str, str, bytes]
"""Topic, key, type, payload."""
Handle = Callable[["Rows", Sequence[Record]], Awaitable[list[Outgoing]]]


class Rows:
    """Inserts rows that are given as columns, with one `unnest` statement per table; reads column types from the
    catalogue."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._statements: dict[tuple[str, tuple[str, ...]], str] = {}

    async def insert(self, table: str, columns: dict[str, list[Any]]) -> None:
        """Insert one row per element; every column must be as long as the others."""
        key = table, tuple(columns)
        if key not in self._statements:
            self._statements[key] = await self._statement(table, list(columns))
        await self.connection.execute(self._statements[key], *columns.values())

    async def _statement(self, table: str, names: list[str]) -> str:
        found = await self.connection.fetch(
            "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = $1", table
        )
        types = {row["column_name"]: row["udt_name"] for row in found}
        arrays = ", ".join(f"${number}::{types[name]}[]" for number, name in enumerate(names, 1))
        listed = ", ".join(names)
        return f"INSERT INTO {table} ({listed}) SELECT * FROM unnest({arrays})"  # noqa: S608 - names of the bench itself


async def run_stage(*, group: str, dsn: str, bootstrap: str, topics: Sequence[str], handle: Handle) -> None:
    """Consume and relay until cancelled. Events that were sent before the start are not consumed."""
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=4, server_settings={WORKS_FOR: "service"})
    consumer, producer = await _consumer(bootstrap, topics), await _producer(bootstrap)
    print(READY, flush=True)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_consume(pool, group, consumer, handle))
        tasks.create_task(_relay(pool, producer))


async def _consumer(bootstrap: str, topics: Sequence[str]) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=POLL_MS,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    consumer.assign(places)
    for place, end in (await consumer.end_offsets(places)).items():
        consumer.seek(place, end)
    return consumer


async def _consume(pool: Any, group: str, consumer: AIOKafkaConsumer, handle: Handle) -> None:
    async with pool.acquire() as connection:
        rows = Rows(connection)
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=CONSUME_MAX)
            records = [record for batch in fetched.values() for record in batch]
            if records:
                async with connection.transaction():
                    await _take_over(rows, group, fetched, records)
                    parsed = [
                        (dict(record.headers)["ce_type"].decode(), json.loads(record.value or b"{}"))
                        for record in records
                    ]
                    outgoing = await handle(rows, parsed)
                    await _append(rows, outgoing)


async def _take_over(rows: Rows, group: str, fetched: dict[Any, list[Any]], records: list[Any]) -> None:
    now = datetime.now(UTC)
    await rows.connection.execute(
        """
        INSERT INTO consumer_position (consumer_group, topic, partition, next_offset)
        SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[])
        ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next_offset = excluded.next_offset
        """,
        group,
        [place.topic for place in fetched],
        [place.partition for place in fetched],
        [batch[-1].offset + 1 for batch in fetched.values()],
    )
    await rows.insert(
        "inbox",
        {
            "consumer_group": [group] * len(records),
            "source": ["floor"] * len(records),
            "event_id": [dict(record.headers)["ce_id"].decode() for record in records],
            "day": [date(now.year, now.month, now.day)] * len(records),
        },
    )


async def _append(rows: Rows, outgoing: list[Outgoing]) -> None:
    if not outgoing:
        return
    topics, keys, types, payloads = (list(column) for column in zip(*outgoing, strict=True))
    await rows.insert(
        "outbox",
        {
            "event_id": [uuid.uuid4() for _ in outgoing],
            "topic": topics,
            "key": keys,
            "type": types,
            "payload": payloads,
            "traceparent": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"] * len(outgoing),
            "created_at": [datetime.now(UTC)] * len(outgoing),
        },
    )


async def _producer(bootstrap: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=1024 * 1024, linger_ms=0
    )
    await producer.start()
    return producer


async def _relay(pool: Any, producer: AIOKafkaProducer) -> None:
    async with pool.acquire() as connection:
        while True:
            found = await connection.fetch("SELECT * FROM outbox ORDER BY id LIMIT $1", RELAY_MAX)
            if not found:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            await _send(producer, found)
            await connection.execute(
                """
                WITH gone AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING *)
                INSERT INTO outbox_sent (id, event_id, topic, key, type, payload, traceparent, created_at, partition)
                SELECT id, event_id, topic, key, type, payload, traceparent, created_at, 0 FROM gone
                """,
                [row["id"] for row in found],
            )


async def _send(producer: Any, found: Sequence[Any]) -> None:
    """Send rows as CloudEvents in binary mode, in whole batches per partition."""
    batches: dict[tuple[str, int], list[Any]] = {}
    for row in found:
        batches.setdefault((row["topic"], hash(row["key"]) % PARTITIONS), []).append(row)
    sent = [
        task
        for (topic, partition), rows in batches.items()
        for task in await _batches(producer, topic, partition, rows)
    ]
    await asyncio.gather(*sent)


async def _batches(producer: Any, topic: str, partition: int, rows: list[Any]) -> list[Any]:
    futures = []
    builder = producer.create_batch()
    for row in rows:
        headers = _headers(row)
        key = row["key"].encode()
        if builder.append(key=key, value=row["payload"], timestamp=None, headers=headers) is None:
            futures.append(await producer.send_batch(builder, topic, partition=partition))
            builder = producer.create_batch()
            builder.append(key=key, value=row["payload"], timestamp=None, headers=headers)
    futures.append(await producer.send_batch(builder, topic, partition=partition))
    return futures


def _headers(row: Any) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row["event_id"]).encode()),
        ("ce_source", b"urn:enlace:floor"),
        ("ce_type", row["type"].encode()),
        ("ce_time", row["created_at"].isoformat().encode()),
        ("ce_traceparent", row["traceparent"].encode()),
        ("content-type", b"application/json"),
    ]
