"""The relay of one service: it publishes the outbox, in order per key, while it is the leader.

It reads the visible rows `ORDER BY id` and sends them at once. It moves acknowledged rows to the archive later, in one
statement for many rounds (`relaying.retiring`). It has no cursor, so a transaction that commits late is not missed. No
transaction is open while it waits for Kafka. If it crashes between the acknowledgement and the move, at most the last
batch and the acknowledged rows before it are sent twice, and the inboxes of the consumers discard the copies.
"""

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg

from libs.events import kafka, outbox, retention
from libs.events.cluster import Cluster
from libs.events.observing import metrics, tracing
from libs.events.observing.reporting import report
from libs.events.postgres import Connection, plain_dsn
from libs.events.processes.crashpoints import CrashPoint, crashpoint
from libs.events.processes.ending import end
from libs.events.relaying.leadership import SILENCE_SECONDS, Leadership, LeadershipLostError, connected, lead
from libs.events.relaying.pausing import Pause
from libs.events.relaying.publishing import Outcome, Publisher
from libs.events.relaying.reading import read
from libs.events.relaying.retiring import Unretired
from libs.events.signing import Signer
from libs.events.topics import TOPICS, Topic
from libs.waiting.pauses import done_or_set, is_set_within

log = logging.getLogger(__name__)

BATCH_ROWS = 5_000
SEND_TIMEOUT_SECONDS = 20.0
STOP_SECONDS = 5.0
"""The maximum time of a round after the relay was told to stop. Events that are not in the archive by then are sent
again by the next relay."""
BLOCK_SECONDS = 15.0
MEASURE_SECONDS = 5.0

_MEASURE = """
    SELECT count(*) AS pending, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age_seconds
    FROM (SELECT created_at FROM outbox ORDER BY id LIMIT 100000) AS o
"""


class Relay:
    """Publishes the outbox of one database. Several relays may run; one of them is the leader.

    `dsn` must connect to PostgreSQL directly, not through a pooler. `source` is the CloudEvents source of all published
    events, such as `urn:enlace:referral`. A leader without contact to PostgreSQL for `silence_seconds` is replaced.
    `signer` has the key of this service. Only the writer of a topic publishes to it, with its signature.
    """

    def __init__(
        self,
        dsn: str,
        bootstrap_servers: str | Cluster,
        *,
        source: str,
        topics: Mapping[str, Topic] = TOPICS,
        silence_seconds: float = SILENCE_SECONDS,
        signer: Signer | None = None,
    ) -> None:
        self._dsn = plain_dsn(dsn)
        self._bootstrap_servers = bootstrap_servers
        self._source = source
        self._topics = topics
        self._silence_seconds = silence_seconds
        self._signer = signer
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._wakeup = asyncio.Event()
        self._publisher: Publisher | None = None
        self._producer: kafka.Producer | None = None
        self._blocked: dict[tuple[str, str | None], tuple[float, str]] = {}
        self._trouble: str | None = "not started"
        self._measured_at = 0.0
        self._tidy_at = 0.0
        self.rebuilds = 0
        """How often it has discarded a client that failed."""

    def why_unready(self) -> str | None:
        """The reason why this relay is not ready, in one sentence. None if it is the leader, or if another one is."""
        if self._blocked:
            (topic, _), (_, why) = next(iter(self._blocked.items()))
            return f"{len(self._blocked)} blocked, first in topic {topic}: {why}"
        return self._trouble

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. Never raises: errors are logged, and the relay tries again after growing
        pauses."""
        work = asyncio.create_task(self._run(stop))
        try:
            await done_or_set(work, stop)
            await asyncio.wait({work}, timeout=STOP_SECONDS)
        finally:
            await end(work)

    async def _run(self, stop: asyncio.Event) -> None:
        pause = 0.2
        self._wakeup = outbox.COMMITTED.register()
        while not stop.is_set():
            started = time.monotonic()
            try:
                async with connected(self._dsn) as connection:
                    try:
                        await self._lead(connection, stop)
                    except LeadershipLostError:
                        # Another relay may be the leader already, so the waiting events must not be sent.
                        await self._discard_producer(flush_seconds=0)
                        raise
                    finally:
                        # This happens while the lock is still held. So nothing is being sent any more when the next
                        # leader begins, or when an operator has held the relay.
                        await self._discard_producer()
            except Exception as error:
                told = Cluster.of(self._bootstrap_servers).told(error)
                self._trouble = told or f"the relay failed with {type(error).__name__}"
                report(log, logging.WARNING, "relay.interrupted", error)
            if stop.is_set():
                return
            pause = 0.2 if time.monotonic() - started > 30 else min(pause * 2, 5.0)
            await is_set_within(stop, pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    async def _lead(self, connection: Connection, stop: asyncio.Event) -> None:
        leadership = await lead(
            connection,
            stop,
            owner=self._owner,
            silence_seconds=self._silence_seconds,
            on_standby=self._calm,
            on_held=self._hold,
        )
        if leadership is None:
            return
        report(log, logging.INFO, "relay.leading", epoch=leadership.epoch)
        unretired = Unretired(connection, leadership)
        pause = Pause(self._wakeup)
        while not stop.is_set() and not await leadership.is_held():
            pause.begin()
            await self._tidy(connection)
            # Measured before the round, because no round ends while Kafka is unavailable.
            await self._measure(connection, unretired)
            async with leadership.proof():
                rows = await read(connection, BATCH_ROWS, unretired, self._blocks())
            if rows:
                await self._round(connection, leadership, unretired, rows)
                pause.found(more=len(rows) == BATCH_ROWS)
            else:
                self._calm()
                await unretired.retire_if_due()
            if not stop.is_set():
                await pause.end(at_most=unretired.due_seconds)
        await unretired.retire()

    async def _round(
        self, connection: Connection, leadership: Leadership, unretired: Unretired, rows: Sequence[Any]
    ) -> None:
        started = time.monotonic()
        crashpoint(CrashPoint.RELAY_AFTER_READ)
        publisher = self._publisher if self._producer else await leadership.while_held(self._new_publisher())
        assert publisher is not None
        with tracing.sending(rows) as span:
            outcome = await leadership.while_held(
                publisher.publish(rows, timeout_seconds=SEND_TIMEOUT_SECONDS, may_send=lambda: leadership.holds),
                chore=unretired.retire_if_due,
            )
            if outcome.error is not None:
                tracing.fail(span, outcome.error)
        _count_sent(rows, outcome, time.monotonic() - started)
        crashpoint(CrashPoint.RELAY_AFTER_SEND)
        unretired.add(outcome)
        # After an error the leadership ends, and what is not moved by then is sent again.
        if unretired.are_many or outcome.error is not None:
            await unretired.retire()
        await self._note_refusals(connection, outcome)
        if outcome.error is not None:
            self.rebuilds += 1
            metrics.client_rebuilds.add(1, {"enlace.client": "producer", "error.type": type(outcome.error).__name__})
            raise outcome.error
        self._calm()

    def _blocks(self) -> Collection[tuple[str, str | None]]:
        if self._blocked:
            now = time.monotonic()
            self._blocked = {what: block for what, block in self._blocked.items() if block[0] > now}
        return self._blocked

    async def _note_refusals(self, connection: Connection, outcome: Outcome) -> None:
        """Block for a while the keys and topics that Kafka refuses, so that all others can be published."""
        until = time.monotonic() + BLOCK_SECONDS
        for topic, why in outcome.refused_topics.items():
            self._blocked[topic, None] = (until, why)
            report(log, logging.ERROR, "relay.topic_refused", topic=topic, reason=why)
        for row, why in outcome.refused_rows:
            self._blocked[row["topic"], row["key"]] = (until, why)
            await connection.execute("UPDATE outbox SET failed_at = now(), failure = $2 WHERE id = $1", row["id"], why)
            fields: dict[str, Any] = {"topic": row["topic"], "event_id": str(row["event_id"]), "reason": why}
            report(log, logging.ERROR, "relay.event_refused", **fields)
        metrics.outbox_blocked.set(len(self._blocked))

    async def _measure(self, connection: Connection, unretired: Unretired) -> None:
        if time.monotonic() - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = time.monotonic()
        await unretired.retire()  # so that only waiting rows are counted
        rows = await connection.fetch(_MEASURE)
        metrics.outbox_pending.set(rows[0]["pending"])
        metrics.outbox_oldest_age.set(rows[0]["age_seconds"])

    def _calm(self) -> None:
        self._trouble = None

    def _hold(self) -> None:
        self._trouble = "held by hand: nothing is published until it is released"

    async def _tidy(self, connection: Connection) -> None:
        """Create and drop partitions once an hour."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + retention.EVERY_SECONDS
        try:
            await retention.tidy(connection)
        except asyncpg.PostgresError as error:
            report(log, logging.WARNING, "relay.retention_failed", error)

    async def _new_publisher(self) -> Publisher:
        client = kafka.producer(self._bootstrap_servers, client_id=f"enlace-relay-{os.getpid()}")
        try:
            await asyncio.wait_for(client.start(), 10)
        except BaseException:
            await kafka.abandon(client)
            raise
        self._producer = client
        fresh = Publisher(client, source=self._source, topics=self._topics, signer=self._signer)
        fresh.inherit(self._publisher)
        self._publisher = fresh
        return fresh

    async def _discard_producer(self, *, flush_seconds: float = 2.0) -> None:
        if self._producer is not None:
            client, self._producer = self._producer, None
            await kafka.abandon(client, flush_seconds=flush_seconds)


def _count_sent(rows: Sequence[Any], outcome: Outcome, seconds: float) -> None:
    failed: metrics.Attributes = {} if outcome.error is None else {"error.type": type(outcome.error).__name__}
    metrics.operation_duration.record(seconds, metrics.messaging("send", "send") | failed)
    metrics.relay_batch_size.record(len(rows))
