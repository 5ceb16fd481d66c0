"""Measures how long each person waits for the offers of all their needs while people arrive at a steady rate.

Each arrival has a planned time, by default 50 arrivals a second. The latency counts from the planned time, even if the
sender or the system falls behind; so a delay counts for everybody who waits because of it. The planned time is the
event's `arrived_at`. It is unique to the microsecond, and registration stores it; this connects a person with the
planned time. The offers of a person are complete when the last `offer.made.v1` moves to the archive, which happens just
after Kafka has acknowledged it. Both times come from the clock of one machine.
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
"""Seconds between the planning and the first planned arrival."""

Moments = dict[datetime, datetime]
"""For each person, known by the planned time of arrival: when something happened."""


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds since the planned arrival. A stage ends when the person's last event of this kind has passed it."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Steady:
    """The result of a run at a steady rate."""

    returnees: int
    offered: Quantiles
    """From the planned arrival until Kafka has acknowledged the last offer."""
    stages: dict[str, Quantiles]
    """The stages before that: `sent` by the client, then for each type of event the start of the transaction that wrote
    it, and Kafka's acknowledgement."""

    @property
    def p50_ms(self) -> float:
        """The median time from the planned arrival to the last offer."""
        return self.offered.p50_ms

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of the time from the planned arrival to the last offer."""
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
    """Let people arrive at `rate` a second for `seconds`, after `warm_up_s` seconds that are not counted.

    Their flights land first. With `flights=False`, no landings are sent; the references do not handle them.
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
    """The same message with the planned time as the time of arrival."""
    return replace(message, data=json.dumps({**json.loads(message.data), "arrived_at": at.isoformat()}).encode())


async def _send(bootstrap: str, messages: Sequence[Message], due: Sequence[datetime]) -> Moments:
    """Send each message at its planned time, without waiting for acknowledgements; returns the times of sending."""
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
    """Wait until all people are registered; returns their planned arrivals by the ids that registration assigned."""
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
    """The quantile by the nearest-rank method: the smallest value that at least `share` of all values do not exceed."""
    return round(ordered[math.ceil(share * len(ordered)) - 1], 1)


async def _rows(running: Running, database: str, query: str, *arguments: Any) -> list[Any]:
    connection = await asyncpg.connect(running.url(database), server_settings={WORKS_FOR: "service"})
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()
