"""Measures how long each person waits for the offers of all their needs while people arrive at a steady rate.

Each arrival has a planned time, by default 50 arrivals a second. The latency counts from the planned time, even if the
sender or the system falls behind; so a delay counts for everybody who waits because of it. The planned time is the
event's `arrived_at`. It is unique to the microsecond, and registration stores it; this connects a person with the
planned time. The offers of a person are complete when Kafka has stored the last `offer.made.v1`. Both times come from
the clock of one machine; Kafka's times are whole milliseconds.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.arrivals import NEEDS, TOPIC, Message, arrivals
from bench.chain import PATIENCE_SECONDS, Side, land
from bench.measuring import cpu_seconds, spent, until, without_kafka
from bench.spread import quantile
from bench.watching import OFFER_MADE, REFERRAL, REGISTRATION, Published, ends, published
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
    """From the planned arrival until Kafka has stored the last offer."""
    stages: dict[str, Quantiles]
    """The stages before that: `sent` by the client, then for each type of event the start of the transaction that wrote
    it, and the moment when Kafka stored it."""
    cpu_seconds: dict[str, float]
    """The CPU time of each process from the first planned arrival until the last delivery is written."""
    all_returnees: int
    """The people to whom this time belongs, with those of the warm-up. It must be all: if the system falls behind, it
    does the work for the counted people later, or does that for earlier people while the counted ones arrive."""

    @property
    def p50_ms(self) -> float:
        """The median time from the planned arrival to the last offer."""
        return self.offered.p50_ms

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of the time from the planned arrival to the last offer."""
        return self.offered.p99_ms

    @property
    def cpu_ms(self) -> float:
        """The CPU time of each person, without Kafka's."""
        return 1000 * without_kafka(self.cpu_seconds) / self.all_returnees

    @property
    def cpu_ms_by_process(self) -> dict[str, float]:
        """The CPU time of each person by process, with Kafka's."""
        return {name: 1000 * used / self.all_returnees for name, used in self.cpu_seconds.items()}


async def measure_steady(
    side: Side, *, run: str, rate: float = 50.0, seconds: float = 60.0, warm_up_s: float = 5.0
) -> Steady:
    """Let people arrive at `rate` a second for `seconds`, after `warm_up_s` seconds that are not counted."""
    skipped, count = round(rate * warm_up_s), round(rate * (warm_up_s + seconds))
    people = list(arrivals(count, run=run))
    if side.lands:
        await land(side, count, run=run)
    since = await ends(side.bootstrap, REGISTRATION, REFERRAL)
    delivered = await _number(side, "NOTIFICATIONS", _DELIVERIES)
    first = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
    due = [first + timedelta(seconds=number / rate) for number in range(count)]
    messages = [_arriving(message, at) for message, at in zip(people, due, strict=True)]
    before = asyncio.create_task(_cpu_at(side, first))
    sent = await _send(side.bootstrap, messages, due)
    ids = await _registered(side, due)

    async def done() -> bool:
        offers = await _number(side, "REFERRAL", _OFFERS, [str(one) for one in ids])
        deliveries = await _number(side, "NOTIFICATIONS", _DELIVERIES) - delivered
        return min(offers, deliveries) >= count * len(NEEDS)

    await until(done, what=f"offers for {count} steady arrivals", within_s=PATIENCE_SECONDS)
    used = spent(await before, cpu_seconds(side.pids))
    stages = await _stages(side, due[skipped:], sent, ids, await published(side.bootstrap, since))
    return Steady(count - skipped, stages[f"{OFFER_MADE} published"], stages, used, count)


async def _cpu_at(side: Side, moment: datetime) -> dict[str, float]:
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
    return cpu_seconds(side.pids)


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


async def _registered(side: Side, due: Sequence[datetime]) -> dict[UUID, datetime]:
    """Wait until all people are registered; returns their planned arrivals by the ids that registration assigned."""
    found: dict[UUID, datetime] = {}

    async def done() -> bool:
        rows = await _rows(side, "REGISTRATION", _ARRIVED, list(due))
        found.update((row["id"], row["arrived_at"]) for row in rows)
        return len(found) == len(due)

    await until(done, what=f"{len(due)} steady arrivals to be registered", within_s=PATIENCE_SECONDS)
    return found


_ARRIVED = "SELECT id, arrived_at FROM returnee WHERE arrived_at = ANY($1::timestamptz[])"
_DELIVERIES = "SELECT count(*) FROM delivery"
_OFFERS = "SELECT count(*) FROM outbox_sent WHERE type = 'offer.made.v1' AND key = ANY($1::text[])"
_WRITTEN = """
    SELECT key, type, max(created_at) AS at FROM outbox_sent WHERE key = ANY($1::text[]) GROUP BY key, type
"""


async def _number(side: Side, database: str, query: str, *arguments: Any) -> int:
    return int((await _rows(side, database, query, *arguments))[0][0])


async def _stages(
    side: Side,
    due: Sequence[datetime],
    sent: Moments,
    ids: dict[UUID, datetime],
    events: Sequence[Published],
) -> dict[str, Quantiles]:
    """The stages of the people who were due at these times, the quickest first."""
    measured = set(due)
    arrived = {str(one): at for one, at in ids.items() if at in measured}
    passed: dict[str, Moments] = {"sent": {at: sent[at] for at in due}}
    for database in ("REGISTRATION", "REFERRAL"):
        for row in await _rows(side, database, _WRITTEN, list(arrived)):
            passed.setdefault(f"{row['type']} written", {})[arrived[row["key"]]] = row["at"]
    for event in events:
        if event.key in arrived:
            moments = passed.setdefault(f"{event.type} published", {})
            moments[arrived[event.key]] = max(event.at, moments.get(arrived[event.key], event.at))
    stages = {name: _quantiles(moments) for name, moments in passed.items()}
    return dict(sorted(stages.items(), key=lambda stage: stage[1].p50_ms))


def _quantiles(moments: Moments) -> Quantiles:
    waits = [1000 * (then - at).total_seconds() for at, then in moments.items()]
    return Quantiles(round(quantile(waits, 0.5), 1), round(quantile(waits, 0.99), 1))


async def _rows(side: Side, database: str, query: str, *arguments: Any) -> list[Any]:
    connection = await asyncpg.connect(side.url(database), server_settings={WORKS_FOR: "service"})
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()
