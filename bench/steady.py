"""A steady stream of arrivals: how long each person waits for the offers of all their needs.

Arrivals have a timetable, 50 a second by default, and latency counts from the time on it, whether or not the sender or
the system keeps up: one that falls behind is charged for everybody who queues. The time of the timetable is the event's
own `arrived_at`, unique to the microsecond, which registration stores: by it a person's offers are found. They count
as made when the last of their `offer.made.v1` is retired, which is just after Kafka has acknowledged it. Both ends
are read from clocks of one machine.
"""

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.arrivals import NEEDS, TOPIC, Message, arrivals
from bench.chain import PATIENCE_SECONDS, Running, land
from bench.measuring import until
from libs.chassis.walls import WORKS_FOR

LEAD_SECONDS = 1.0
"""Between making the timetable and its first arrival."""

Moments = dict[datetime, datetime]
"""When something had happened for each person, by the time of their arrival."""


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds since the arrival was due; a stage is over when the last event of its kind is through it."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Steady:
    """What a steady run came to."""

    returnees: int
    offered: Quantiles
    """From the timetable to the last offer acknowledged by Kafka."""
    stages: dict[str, Quantiles]
    """On the way there: `sent` (by the client), then for each event the start of the transaction that wrote it and its
    acknowledgement."""

    @property
    def p50_ms(self) -> float:
        """Median of arrival to last offer."""
        return self.offered.p50_ms

    @property
    def p99_ms(self) -> float:
        """99th percentile of arrival to last offer."""
        return self.offered.p99_ms


async def measure_steady(
    running: Running,
    *,
    run: str,
    rate: float = 50.0,
    seconds: float = 60.0,
    warm_up_s: float = 5.0,
    flights: bool = True,
) -> Steady:
    """Let people arrive at `rate` a second for `seconds`; those of the first `warm_up_s` are sent but not counted.

    Their flights land before; `flights=False` is for the references, which know of none.
    """
    skipped, count = round(rate * warm_up_s), round(rate * (warm_up_s + seconds))
    people = list(arrivals(count, run=run))
    if flights:
        await land(running, count, run=run)
    first = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
    due = [first + timedelta(seconds=number / rate) for number in range(count)]
    messages = [_arriving(message, at) for message, at in zip(people, due, strict=True)]
    sent = await _send(running.system.environment["KAFKA_BOOTSTRAP_SERVERS"], messages, due)
    ids = await _registered(running, due)

    async def done() -> bool:
        return await _count(running, list(ids)) >= count * len(NEEDS)

    await until(done, what=f"offers for {count} steady arrivals", within_s=PATIENCE_SECONDS)
    return await _result(running, due[skipped:], sent, ids)


def _arriving(message: Message, at: datetime) -> Message:
    """The same person, who arrives when the timetable says so."""
    return replace(message, data=json.dumps({**json.loads(message.data), "arrived_at": at.isoformat()}).encode())


async def _send(bootstrap: str, messages: Sequence[Message], due: Sequence[datetime]) -> Moments:
    """Hand each message to Kafka when it is due, without waiting for the one before; returns when each was handed."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
    await producer.start()
    handed: Moments = {}
    try:
        waiting = []
        for message, at in zip(messages, due, strict=True):
            await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
            handed[at] = datetime.now(UTC)
            waiting.append(
                await producer.send(TOPIC, message.data, key=message.key.encode(), headers=message.headers())
            )
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()
    return handed


async def _registered(running: Running, due: Sequence[datetime]) -> dict[UUID, datetime]:
    """Everybody's arrival, once all are registered, by the id that they got."""
    found: dict[UUID, datetime] = {}

    async def done() -> bool:
        rows = await _rows(running, "REGISTRATION", _ARRIVED, list(due))
        found.update((row["id"], row["arrived_at"]) for row in rows)
        return len(found) == len(due)

    await until(done, what=f"{len(due)} steady arrivals to be registered", within_s=PATIENCE_SECONDS)
    return found


_ARRIVED = "SELECT id, arrived_at FROM returnee WHERE arrived_at = ANY($1::timestamptz[])"
_OFFERS = "SELECT count(*) FROM outbox_sent WHERE type = 'offer.made.v1' AND key = ANY($1::text[])"
_PASSED = """
    SELECT key, type, max(created_at) AS written, max(published_at) AS published
    FROM outbox_sent WHERE key = ANY($1::text[]) GROUP BY key, type
"""


async def _count(running: Running, ids: Sequence[UUID]) -> int:
    return int((await _rows(running, "REFERRAL", _OFFERS, [str(one) for one in ids]))[0][0])


async def _result(running: Running, due: Sequence[datetime], sent: Moments, ids: dict[UUID, datetime]) -> Steady:
    measured = set(due)
    arrived = {str(one): at for one, at in ids.items() if at in measured}
    stages = {"sent": _quantiles({at: sent[at] for at in due})}
    for database in ("REGISTRATION", "REFERRAL"):
        rows = await _rows(running, database, _PASSED, list(arrived))
        for event_type in dict.fromkeys(row["type"] for row in rows):
            passed = [row for row in rows if row["type"] == event_type]
            for name in ("written", "published"):
                moments = {arrived[row["key"]]: row[name] for row in passed}
                stages[f"{event_type} {name}"] = _quantiles(moments)
    stages = dict(sorted(stages.items(), key=lambda stage: stage[1].p50_ms))
    return Steady(len(due), stages["offer.made.v1 published"], stages)


def _quantiles(moments: Moments) -> Quantiles:
    waits = sorted(1000 * (then - at).total_seconds() for at, then in moments.items())
    return Quantiles(_quantile(waits, 0.5), _quantile(waits, 0.99))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least `share` of all don't exceed."""
    return round(ordered[math.ceil(share * len(ordered)) - 1], 1)


async def _rows(running: Running, database: str, query: str, *arguments: Any) -> list[Any]:
    connection = await asyncpg.connect(running.url(database), server_settings={WORKS_FOR: "service"})
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()
