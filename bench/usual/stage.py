"""The parts of each service of the usual stack: a broker, sessions, an inbox, an outbox and a task that polls it."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asyncpg import UniqueViolationError
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.kafka.subscriber.usecase import ConcurrentBetweenPartitionsSubscriber, ConcurrentDefaultSubscriber
from pydantic import BaseModel
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.processes import READY
from bench.usual.tables import Inbox, Outbox, OutboxSent
from libs.chassis.walls import WORKS_FOR

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
POLL_SECONDS = 0.05
PAGE_ROWS = 100
WORKERS = 4
"""The consumers of each service. They handle partitions in parallel, as FastStream's page on concurrency shows."""

Sessions = async_sessionmaker[AsyncSession]
Subscriber = ConcurrentDefaultSubscriber | ConcurrentBetweenPartitionsSubscriber


@dataclass
class Stage:
    """One service: what its handlers and its relay share."""

    name: str
    broker: KafkaBroker
    sessions: Sessions
    engines: list[AsyncEngine]
    relay: asyncio.Task[None] | None = field(default=None)


def stage(name: str, *, url: str, bootstrap: str) -> Stage:
    """A service with its own database and Kafka. It does not connect yet."""
    log = logging.getLogger(f"bench.usual.{name}")
    log.setLevel(logging.WARNING)
    broker = KafkaBroker(bootstrap, acks="all", enable_idempotence=True, logger=log)
    engine = _engine(url)
    return Stage(name, broker, _sessions(engine), [engine])


def sessions_of(stage: Stage, url: str) -> Sessions:
    """Sessions on another database that this stage uses."""
    engine = _engine(url)
    stage.engines.append(engine)
    return _sessions(engine)


def _engine(url: str) -> AsyncEngine:
    """The engine of one database, with a connection for every worker and one for the relay."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=WORKERS + 1,
        connect_args={"server_settings": {WORKS_FOR: "service"}},
    )


def _sessions(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


def group_of(name: str) -> str:
    """The consumer group of a service."""
    return f"usual-{name}"


def subscriber(stage: Stage, topic: str) -> Subscriber:
    """The subscriber of one topic. It handles each message at least once, and in order within a partition."""
    return stage.broker.subscriber(
        topic,
        group_id=group_of(stage.name),
        ack_policy=AckPolicy.NACK_ON_ERROR,
        auto_offset_reset="earliest",
        max_workers=WORKERS,
    )


def is_type(event_type: str) -> Callable[[KafkaMessage], bool]:
    """A filter that selects the events of one type."""
    return lambda message: message.headers.get("ce_type") == event_type


def application(stage: Stage) -> FastStream:
    """The FastStream application of a service. The relay starts after the broker and stops before it."""

    async def start_relay() -> None:
        stage.relay = asyncio.create_task(_relay(stage))
        print(READY, flush=True)

    async def stop_relay() -> None:
        if stage.relay is not None:
            stage.relay.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await stage.relay

    async def close() -> None:
        for engine in stage.engines:
            await engine.dispose()

    return FastStream(
        stage.broker, logger=None, after_startup=[start_relay], on_shutdown=[stop_relay], after_shutdown=[close]
    )


@asynccontextmanager
async def once(stage: Stage, message: KafkaMessage) -> AsyncIterator[AsyncSession]:
    """The transaction of one message. If the message was handled before, it is rolled back without an error."""
    try:
        async with stage.sessions() as session, session.begin():
            session.add(
                Inbox(
                    consumer_group=group_of(stage.name),
                    source=message.headers["ce_source"],
                    event_id=message.headers["ce_id"],
                    day=datetime.fromisoformat(message.headers["ce_time"]).date(),
                )
            )
            yield session
    except IntegrityError as error:
        if not _is_repeat(error):
            raise


def _is_repeat(error: IntegrityError) -> bool:
    cause = None if error.orig is None else error.orig.__cause__
    return isinstance(cause, UniqueViolationError) and (cause.table_name or "").startswith("inbox")


def event(topic: str, key: uuid.UUID, event_type: str, body: BaseModel) -> Outbox:
    """The outbox row of an event."""
    return Outbox(
        event_id=uuid.uuid4(),
        topic=topic,
        key=str(key),
        type=event_type,
        payload=body.model_dump_json().encode(),
        traceparent=TRACE,
        created_at=datetime.now(UTC),
    )


async def _relay(stage: Stage) -> None:
    log = logging.getLogger(f"bench.usual.{stage.name}")
    while True:
        try:
            count = await _publish_page(stage)
        except Exception:
            log.exception("the outbox could not be published")
            count = 0
        if count < PAGE_ROWS:
            await asyncio.sleep(POLL_SECONDS)


async def _publish_page(stage: Stage) -> int:
    async with stage.sessions() as session, session.begin():
        rows = (await session.exec(select(Outbox).order_by(col(Outbox.id)).limit(PAGE_ROWS))).all()
        for row in rows:
            session.add(await _published(stage.broker, row))
            await session.delete(row)
    return len(rows)


async def _published(broker: KafkaBroker, row: Outbox) -> OutboxSent:
    place = await broker.publish(row.payload, topic=row.topic, key=row.key.encode(), headers=_headers(row))
    return OutboxSent(
        **row.model_dump(), published_at=datetime.now(UTC), partition=place.partition, log_offset=place.offset
    )


def _headers(row: Outbox) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": str(row.event_id),
        "ce_source": "urn:enlace:usual",
        "ce_type": row.type,
        "ce_time": row.created_at.isoformat(),
        "ce_traceparent": row.traceparent,
        "content-type": "application/json",
    }
