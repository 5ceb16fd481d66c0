"""One load for the event bus alone: events are appended to an outbox, published, consumed and archived.

The handler writes one row for each event as its effect.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.buses import Numbered, cpu_of
from bench.measuring import spent, until, value
from deploy.local.infra import Servers
from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.events import outbox
from libs.events.cluster import Cluster
from libs.events.consumer import Consumer
from libs.events.event import Received
from libs.events.relay import Relay
from libs.events.signing import Keyring, Signer
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic

GROUP = "bench-bus"
SOURCE = "urn:bench:bus"
CHUNK = 500
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Way:
    """One way to run the load: the database, the Kafka cluster, the topic, the event type and the signing keys."""

    url: str
    cluster: str | Cluster
    topic: Topic
    event: type[Numbered]
    signer: Signer | None = None
    keyring: Keyring | None = None


async def load(running: Servers, way: Way, events: int) -> tuple[float, float]:
    """Run the load once; returns CPU seconds and wall seconds.

    CPU is that of both servers and of this process. The time ends when the last effect is written and the outbox is
    empty.
    """
    database = Database(way.url, clock=Clock(), application_name="bench-bus")
    topics = {way.topic.name: way.topic}
    consumer = Consumer(
        way.cluster, _handlers(way.event), transaction=database.transaction, topics=topics, keyring=way.keyring
    )
    relay = Relay(way.url, way.cluster, source=SOURCE, topics=topics, signer=way.signer)
    stop = asyncio.Event()
    loops = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(relay.run(stop))]
    try:
        await until(lambda: _ready(consumer, relay), what="consumer and relay ready", within_s=PATIENCE_SECONDS)
        wanted = await value(way.url, "SELECT count(*) FROM effect") + events
        own, before, started = psutil.Process(), cpu_of(running), time.monotonic()
        own_before = sum(own.cpu_times()[:2])
        await _append(database, way.event, events)
        await until(lambda: _done(way.url, wanted), what="effects", within_s=PATIENCE_SECONDS, every_s=0.05)
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
