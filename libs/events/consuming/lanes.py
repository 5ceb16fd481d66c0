"""A lane handles a share of the partitions of one topic, batch after batch, each batch in one transaction.

All ready partitions of a lane share a batch. Otherwise twelve partitions of a topic with few events would need twelve
small transactions. Different topics never share a batch, so that a handler takes its locks in the order that its topic
needs.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from libs.events import outbox, retention
from libs.events.handling.batch import Batch, Part, forgotten, understand
from libs.events.handling.delivery import Delivered, Delivery, FencedError
from libs.events.handling.limits import ParkingLimit, ParkingLimitError
from libs.events.handling.partitions import Partition, Phase
from libs.events.handling.spans import Processing, processing
from libs.events.observing import metrics, tracing
from libs.events.observing.reporting import report
from libs.events.postgres import Cause, Transaction, cause_of
from libs.events.processes.crashpoints import CrashPoint, crashpoint
from libs.events.signing import Keyring
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic
from libs.waiting.pauses import is_set_within

log = logging.getLogger(__name__)

BATCH_RECORDS = 5_000
CHUNK_RECORDS = 100
"""The number of records that are checked and parsed before other tasks of the event loop can run."""
LONGEST_PAUSE_SECONDS = 5.0
CONFLICTS_BEFORE_PAUSE = 5
COMMIT_FAULTS_MAX = 3
STORE_SKIPPED_SECONDS = 1.0
"""After this time at the latest, the positions of skipped records are stored: lag tools read them."""


class Lane:
    """A lane of one topic. `slots` limits how many lanes have an open transaction at the same time."""

    def __init__(
        self,
        topic: Topic,
        *,
        subscriptions: Subscriptions,
        delivery: Delivery,
        transaction: Transaction,
        slots: asyncio.Semaphore,
        keyring: Keyring | None = None,
    ) -> None:
        self._topic = topic
        self._subscriptions = subscriptions
        self._delivery = delivery
        self._transaction = transaction
        self._slots = slots
        self._keyring = keyring
        self._labels: metrics.Attributes = {
            "messaging.destination.name": topic.name,
            "messaging.consumer.group.name": subscriptions.group,
        }
        self.on_trouble: Callable[[Partition], None] = lambda _: None
        """Called when a partition was stopped, or must begin again at its position."""
        self.on_settled: Callable[[], None] = lambda: None
        """Called when a batch has ended, so that its partitions may fetch more."""
        self.closing = False
        """If true, no further batch begins."""
        self.partitions: list[Partition] = []
        self.wakeup = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.trouble: str | None = None
        self._turn = asyncio.Lock()
        self._store_at = math.inf

    async def run(self) -> None:
        """Handle records until cancelled; a batch that is interrupted is rolled back."""
        while True:
            await self._woken()
            while taken := self._take():
                await self._handle(taken)
                self.on_settled()
            if time.monotonic() >= self._store_at:
                await self.store()

    async def store(self) -> None:
        """Store the positions of partitions whose last records were skipped."""
        async with self._turn:
            self._store_at = math.inf
            parts = [Part(one, [one.skipped]) for one in self._ready() if one.skipped is not None]
            for part in parts:
                part.partition.in_hand = 1
            try:
                await self._settle(parts)
            finally:
                for part in parts:
                    part.partition.in_hand = 0

    async def _woken(self) -> None:
        """Wait for records, or until skipped positions must be stored."""
        if self._store_at == math.inf:
            await self.wakeup.wait()
        else:
            await is_set_within(self.wakeup, max(self._store_at - time.monotonic(), 0.0))
        self.wakeup.clear()

    async def _handle(self, parts: list[Part]) -> None:
        self.idle.clear()
        try:
            async with self._turn:
                for part in parts:
                    await self._understand(part)
                if any(part.items for part in parts):
                    await self._settle(parts)
                else:
                    self._skip(parts)
        finally:
            for part in parts:
                part.partition.in_hand = 0
            self.idle.set()

    def _skip(self, parts: list[Part]) -> None:
        """A batch without an event for this group needs no transaction: positions move in memory until the next batch
        is handled, or `store` is called. If the process ends before, the records are skipped again."""
        for part in parts:
            if part.partition.phase is Phase.READY:
                part.partition.skip(part.records[-1])
        self._store_at = min(self._store_at, time.monotonic() + STORE_SKIPPED_SECONDS)
        self._count(Batch(self._topic, parts), Delivered(0, 0, 0, 0, 0, 0, {}))

    def _ready(self) -> list[Partition]:
        return [partition for partition in self.partitions if partition.phase is Phase.READY]

    def _take(self) -> list[Part]:
        """The records of the next batch: an equal share of each partition that has records."""
        waiting = [partition for partition in self._ready() if partition.buffer]
        if not waiting or self.closing:
            return []
        share = max(BATCH_RECORDS // len(waiting), 1)
        parts = []
        for partition in waiting:
            parts.append(Part(partition, partition.take(share)))
            partition.oldest_ms = parts[-1].records[0].timestamp
        return parts

    async def _settle(self, parts: list[Part]) -> None:
        """Handle a batch, again and again if need be, until each of its partitions has moved, stopped or gone."""
        if not parts:
            return
        async with self._slots:
            with processing(self._topic.name, self._subscriptions.group, Batch(self._topic, parts)) as spans:
                await self._until_settled(parts, spans)

    async def _until_settled(self, parts: list[Part], spans: Processing) -> None:
        careful, attempts, faults = False, 0, 0
        while parts := [part for part in parts if part.partition.phase is Phase.READY]:
            attempts += 1
            try:
                await self._attempt(Batch(self._topic, parts), spans, careful=careful)
                self.trouble = None
                return
            except FencedError as error:
                self._send_back(parts, error.partitions)
            except ParkingLimitError as error:
                tracing.fail(spans.span, error)
                self._stop(parts, error.partition, error.why)
            except Exception as error:
                if _is_cancelled():
                    raise asyncio.CancelledError from error
                cause = cause_of(error)
                metrics.batch_retries.add(1, self._labels | {"enlace.cause": cause.value})
                if cause is Cause.EVENT and careful:
                    faults += 1
                    if faults >= COMMIT_FAULTS_MAX:
                        tracing.fail(spans.span, error)
                        self._stop_all(parts, f"the batch fails as a whole with {type(error).__name__}")
                elif cause is Cause.EVENT:
                    report(log, logging.WARNING, "consumer.batch_failed", error, topic=self._topic.name)
                    careful = True
                else:
                    await self._pause(error, cause, attempts)

    async def _understand(self, part: Part) -> None:
        remembered = datetime.now(UTC) - timedelta(days=retention.REMEMBERED_DAYS)
        for start in range(0, len(part.records), CHUNK_RECORDS):
            for record in part.records[start : start + CHUNK_RECORDS]:
                item = understand(record, self._subscriptions, topic=self._topic, keyring=self._keyring)
                if item is not None:
                    part.items.append(forgotten(item, topic=self._topic, before=remembered))
            await asyncio.sleep(0)

    async def _attempt(self, batch: Batch, spans: Processing, *, careful: bool) -> None:
        started = time.monotonic()
        labels = metrics.messaging("process", "process", topic=self._topic.name, group=self._subscriptions.group)
        try:
            delivered = await self._apply(batch, spans, careful=careful)
        except Exception as error:
            labels["error.type"] = type(error).__name__
            raise
        finally:
            metrics.process_duration.record(time.monotonic() - started, labels)
        for part in batch.parts:
            part.partition.moved(part.next_offset, delivered.limits[part.partition.number])
        if delivered.appended:
            outbox.COMMITTED.wake()
        if batch.items:
            self._count(batch, delivered)

    async def _apply(self, batch: Batch, spans: Processing, *, careful: bool) -> Delivered:
        with ExitStack() as committing:
            async with self._transaction() as session:
                delivered = await self._delivery.deliver(session, batch, careful=careful)
                crashpoint(CrashPoint.CONSUMER_BEFORE_COMMIT)
                committing.enter_context(spans.settling(batch))
                began = time.monotonic()
            crashpoint(CrashPoint.CONSUMER_AFTER_COMMIT)
        labels = metrics.messaging("commit", "settle", topic=self._topic.name, group=self._subscriptions.group)
        metrics.operation_duration.record(time.monotonic() - began, labels)
        return delivered

    def _count(self, batch: Batch, delivered: Delivered) -> None:
        metrics.batch_size.record(batch.record_count, self._labels)
        oldest = min(part.records[0].timestamp for part in batch.parts)
        metrics.event_age.record(max(time.time() - oldest / 1000, 0.0), self._labels)
        seen = delivered.handled + delivered.duplicates + delivered.parked
        results = (
            ("handled", delivered.handled),
            ("duplicate", delivered.duplicates),
            ("parked", delivered.parked),
            ("skipped", batch.record_count - seen),
        )
        for result, count in results:
            if count:
                metrics.consumed.add(count, self._labels | {"enlace.result": result})
        if delivered.not_believed:
            metrics.not_believed.add(delivered.not_believed, self._labels)
            report(log, logging.ERROR, "consumer.not_believed", topic=self._topic.name, count=delivered.not_believed)
        if delivered.over_quota:
            metrics.over_quota.add(delivered.over_quota, self._labels)
            report(log, logging.ERROR, "consumer.over_quota", topic=self._topic.name, count=delivered.over_quota)
        if delivered.parked:
            report(log, logging.ERROR, "consumer.parked", topic=self._topic.name, count=delivered.parked)

    async def _pause(self, error: Exception, cause: Cause, attempts: int) -> None:
        """Wait before the same batch is tried again: a moment after a conflict, longer each time during an outage."""
        if cause is Cause.CONFLICT and attempts <= CONFLICTS_BEFORE_PAUSE:
            await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret
            return
        self.trouble = f"the database fails with {type(error).__name__}"
        report(log, logging.WARNING, "consumer.database_away", error, topic=self._topic.name, attempts=attempts)
        await asyncio.sleep(min(0.1 * 2 ** min(attempts, 10), LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1))  # noqa: S311

    def _send_back(self, parts: Iterable[Part], numbers: set[int]) -> None:
        """Another processor has handled records of these partitions: begin again at the position in PostgreSQL."""
        metrics.fence_rejections.add(1, self._labels)
        for part in parts:
            if part.partition.number in numbers:
                report(log, logging.WARNING, "consumer.fenced", topic=self._topic.name, partition=part.partition.number)
                part.partition.readmit()
                self.on_trouble(part.partition)

    def _stop(self, parts: Iterable[Part], number: int, why: str) -> None:
        for part in parts:
            if part.partition.number == number:
                part.partition.stop(why, limit_reached=True)
                part.partition.limit = ParkingLimit(number)
                self.on_trouble(part.partition)

    def _stop_all(self, parts: Iterable[Part], why: str) -> None:
        for part in parts:
            self._stop([part], part.partition.number, why)


def _is_cancelled() -> bool:
    """Whether this task was cancelled: an error of the rollback, after the connection was lost, can hide that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
