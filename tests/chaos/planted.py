"""Bugs planted into a system that runs, one of each kind: what the checker must find, or it is worth nothing.

While Kafka is stalled, events stay in the outbox; there one is taken away, one is put in twice, and of two of one key
the later one is sent first. A hold beyond the maximum is written straight into the ledger.
"""

import asyncio
import json
from binascii import crc32
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer

from libs.chassis.walls import WORKS_FOR
from tests.chaos.load import Load
from tests.chaos.stage import Stage

PATIENCE_SECONDS: Final = 60.0
SOURCE: Final = b"urn:enlace:registration"


class Plant(StrEnum):
    """What goes wrong."""

    DROP = "drop"
    DOUBLE = "double"
    SWAP = "swap"
    OVERBOOK = "overbook"


async def plant(stage: Stage, load: Load, plants: list[Plant]) -> None:
    """Make the system misbehave once in each of these ways; each at another person or pool."""
    if Plant.OVERBOOK in plants:
        await _overbook(stage)
    on_the_way = [one for one in plants if one is not Plant.OVERBOOK]
    if not on_the_way:
        return
    stage.kafka.stall()
    try:
        for one in on_the_way:
            returnee_id = await load.by_rest()
            assert returnee_id is not None, "registration takes people while Kafka is away"
            connection = await asyncpg.connect(stage.database("registration"), server_settings={WORKS_FOR: "service"})
            try:
                await _ON_THE_WAY[one](stage, connection, returnee_id)
            finally:
                await connection.close()
    finally:
        stage.kafka.heal()


async def _waiting(connection: Any, returnee_id: str) -> list[Any]:
    """The person's events in the outbox."""
    rows = "SELECT id, event_id, topic, key, type, payload, created_at FROM outbox WHERE key = $1 ORDER BY id"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found: list[Any] = await connection.fetch(rows, returnee_id)
            if len(found) > 1:
                return found
            await asyncio.sleep(0.1)


async def _drop(stage: Stage, connection: Any, returnee_id: str) -> None:
    """A need that was told is never published."""
    rows = [row for row in await _waiting(connection, returnee_id) if row["type"] == "need.reported.v1"]
    await connection.execute("DELETE FROM outbox WHERE id = $1", rows[-1]["id"])


async def _double(stage: Stage, connection: Any, returnee_id: str) -> None:
    """A need that was told once is published as two."""
    row = next(row for row in await _waiting(connection, returnee_id) if row["type"] == "need.reported.v1")
    body = json.loads(row["payload"]) | {"need_id": str(uuid4())}
    await connection.execute(
        "INSERT INTO outbox (event_id, topic, key, type, payload) VALUES ($1, $2, $3, $4, $5)",
        uuid4(),
        row["topic"],
        row["key"],
        row["type"],
        json.dumps(body).encode(),
    )


async def _swap(stage: Stage, connection: Any, returnee_id: str) -> None:
    """The last of the person's events is on the log before all others; the relay sends it once more later."""
    row = (await _waiting(connection, returnee_id))[-1]
    producer: Any = AIOKafkaProducer(bootstrap_servers=stage.kafka_direct, acks="all")
    await producer.start()
    try:
        partitions = len(await producer.partitions_for(row["topic"]))
        await producer.send_and_wait(
            row["topic"],
            key=row["key"].encode(),
            value=row["payload"],
            partition=_partition_of(row["key"], partitions),
            headers=[
                ("ce_specversion", b"1.0"),
                ("ce_id", str(row["event_id"]).encode()),
                ("ce_source", SOURCE),
                ("ce_type", row["type"].encode()),
                ("ce_time", row["created_at"].isoformat().encode()),
                ("content-type", b"application/json"),
            ],
        )
    finally:
        await producer.stop()


def _partition_of(key: str, count: int) -> int:
    """As the relay does it."""
    return crc32(key.encode()) % count


async def _overbook(stage: Stage) -> None:
    """A pool holds one place more than its maximum; its other figures are made to fit."""
    connection: Any = await asyncpg.connect(stage.database("referral"), server_settings={WORKS_FOR: "service"})
    try:
        async with connection.transaction():
            pool = await connection.fetchrow(
                "SELECT * FROM pool WHERE maximum < 100 ORDER BY pool_id LIMIT 1 FOR UPDATE"
            )
            places = max(1, pool["maximum"] - pool["held"] - pool["taken"] + 1)
            await connection.execute(
                "UPDATE pool SET ceiling = greatest(ceiling, held + taken + $2), held = held + $2 WHERE pool_id = $1",
                pool["pool_id"],
                places,
            )
            await connection.execute(
                "INSERT INTO place_hold"
                " (offer_id, pool_id, place_count, status, held_at, declared_as_of, held_freed_count)"
                " VALUES (gen_random_uuid(), $1, $2, 'held', now(), $3, $4)",
                pool["pool_id"],
                places,
                pool["as_of"],
                pool["freed_count"],
            )
    finally:
        await connection.close()


_ON_THE_WAY: Final[dict[Plant, Callable[[Stage, Any, str], Awaitable[None]]]] = {
    Plant.DROP: _drop,
    Plant.DOUBLE: _double,
    Plant.SWAP: _swap,
}
