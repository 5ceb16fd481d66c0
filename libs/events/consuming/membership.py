"""One client as a member of the group: it fetches for the lanes, follows assignments, and detects that it is stuck.

Kafka clients are replaceable: every error here ends this membership, and the consumer begins a new one.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import TopicPartition

from libs.events.consuming.admission import admit
from libs.events.consuming.lanes import Lane
from libs.events.consuming.oversight import moved_by_hand
from libs.events.consuming.watchdog import Watchdog
from libs.events.handling.partitions import Partition, Phase
from libs.events.kafka import GroupMember, Record
from libs.events.observing import metrics
from libs.events.observing.reporting import report
from libs.events.postgres import Transaction
from libs.events.processes.crashpoints import CrashPoint, crashpoint
from libs.events.processes.ending import end
from libs.events.topics import Topic

log = logging.getLogger(__name__)

FETCH_RECORDS = 2_000
PAUSE_AT_RECORDS = 2_000
RESUME_BELOW_RECORDS = 500
PAUSE_AT_BYTES = 4_194_304
RESUME_BELOW_BYTES = 1_048_576
"""A partition is paused when its buffer exceeds the upper limits, and resumed when it is below the lower ones. This
limits the memory that is used while PostgreSQL is slow."""
POLL_MS = 200
REVOKE_SECONDS = 5.0
STOPPED_RETRY_SECONDS = 30.0
MEASURE_SECONDS = 5.0
COMMIT_SECONDS = 1.0


class Membership(ConsumerRebalanceListener):
    """Runs until it fails, or until `drain` is called."""

    def __init__(
        self,
        member: GroupMember,
        *,
        group: str,
        topics: Mapping[str, Topic],
        lanes: Mapping[str, list[Lane]],
        transaction: Transaction,
        identify: Callable[[Partition, Record], str],
    ) -> None:
        self._identify = identify
        self._member = member
        self._group = group
        self._topics = topics
        self._lanes = lanes
        self._transaction = transaction
        self._to_admit = asyncio.Event()
        self._watchdog = Watchdog()
        self.partitions: dict[TopicPartition, Partition] = {}
        self.joined = False
        for lane in self._all_lanes():
            lane.on_trouble = self._trouble
            lane.on_settled = self._resume

    async def run(self) -> None:
        """Fetch and handle until something fails; the first failure is raised."""
        lanes = [lane.run() for lane in self._all_lanes()]
        work = [self._poll(), self._admit(), self._look_after(), self._follow_hands(), *lanes]
        tasks = [asyncio.create_task(task) for task in work]
        self._member.subscribe(list(self._topics), listener=self)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*tasks)

    async def drain(self, seconds: float) -> None:
        """Begin no new batch, wait at most `seconds` for the current ones to end, then commit the positions to
        Kafka."""
        for lane in self._all_lanes():
            lane.closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for lane in self._all_lanes():
                    await lane.idle.wait()
                    await lane.store()
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(self._commit(), 2)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Discard the records of these partitions that no batch has begun to handle, and wait a moment for the current
        batches to end. If the new owner began earlier, both would handle the same records, and the fence would roll
        back one of the two batches. The positions of skipped records are stored, so that the new owner begins after
        them."""
        names, until = list(revoked), asyncio.get_running_loop().time() + REVOKE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                for lane in {self._lane_of(self.partitions[name]) for name in names if name in self.partitions}:
                    await lane.store()
        for name in names:
            partition = self.partitions.pop(name, None)
            if partition is not None:
                self._lane_of(partition).partitions.remove(partition)
                partition.revoke()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                for lane in self._all_lanes():
                    await lane.idle.wait()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note the newly assigned partitions. Their records are handled only after their position is known and the seek
        is done."""
        for name in assigned:
            partition = Partition(self._topics[name.topic], name.partition)
            self.partitions[name] = partition
            self._lane_of(partition).partitions.append(partition)
        self.joined = True
        self._to_admit.set()
        report(log, logging.INFO, "consumer.assigned", group=self._group, count=len(self.partitions))

    async def _poll(self) -> None:
        while True:
            self._watchdog.polled()
            try:
                fetched = await self._member.getmany(timeout_ms=POLL_MS, max_records=FETCH_RECORDS)
            except NoOffsetForPartitionError:
                # A partition has no position in the client until its seek is done, and Kafka is not asked for one.
                await asyncio.sleep(0.01)
                continue
            except TopicAuthorizationFailedError as error:
                self._stop_topics(set(error.args))
                await asyncio.sleep(0.01)
                continue
            except OffsetOutOfRangeError as error:
                for name in error.args[0]:
                    self._begin_again(self.partitions.get(name))
                await asyncio.sleep(0.01)
                continue
            for name, records in fetched.items():
                partition = self.partitions.get(name)
                if partition is not None:
                    self._take_in(partition, records)
                    labels = metrics.messaging("poll", "receive", topic=name.topic, group=self._group)
                    metrics.consumed_messages.add(len(records), labels)
            # getmany returns at once while there are records, so other tasks get a turn here.
            await asyncio.sleep(0)

    def _take_in(self, partition: Partition, records: Sequence[Record]) -> None:
        if not partition.take_in(records, partial(self._identify, partition)):
            self._begin_again(partition)
        elif partition.phase is Phase.STOPPED:
            self._trouble(partition)
        if partition.buffer:
            self._lane_of(partition).wakeup.set()
        if partition.holds(records=PAUSE_AT_RECORDS, bytes_=PAUSE_AT_BYTES) and not partition.paused:
            partition.paused = True
            self._member.pause(partition.tp)

    def _resume(self) -> None:
        for partition in self.partitions.values():
            if partition.phase is not Phase.READY or not partition.paused:
                continue
            if not partition.holds(records=RESUME_BELOW_RECORDS, bytes_=RESUME_BELOW_BYTES):
                partition.paused = False
                self._member.resume(partition.tp)

    def _begin_again(self, partition: Partition | None) -> None:
        if partition is not None and partition.phase is not Phase.STOPPED:
            partition.readmit()
            self._to_admit.set()

    def _stop_topics(self, topics: set[str]) -> None:
        """Stop the partitions of topics that Kafka does not let this service read; the others continue."""
        for partition in self.partitions.values():
            if partition.tp.topic in topics and partition.phase is not Phase.STOPPED:
                partition.stop("Kafka does not let this service read the topic (READ is missing in its ACLs)")
                self._trouble(partition)

    def _trouble(self, partition: Partition) -> None:
        """Pause a partition that was stopped, or request the admission of one that must begin again."""
        if partition.phase is Phase.STOPPED:
            fields: dict[str, Any] = {"topic": partition.tp.topic, "partition": partition.number}
            report(log, logging.ERROR, "consumer.partition_stopped", reason=partition.why_stopped, **fields)
            if self.partitions.get(partition.tp) is partition and not partition.paused:
                partition.paused = True
                self._member.pause(partition.tp)
        else:
            self._to_admit.set()

    async def _admit(self) -> None:
        while True:
            await self._to_admit.wait()
            self._to_admit.clear()
            waiting = [partition for partition in self.partitions.values() if partition.phase is Phase.ASSIGNED]
            ready = [partition for partition in waiting if not partition.in_hand]
            try:
                if ready:
                    await admit(self._member, ready, group=self._group, transaction=self._transaction)
            except Exception as error:
                report(log, logging.WARNING, "consumer.admission_failed", error, group=self._group)
                if not isinstance(error, KafkaError):
                    # PostgreSQL is unavailable: replacing the Kafka client would not help.
                    for partition in ready:
                        partition.moved_at = time.monotonic()
                await asyncio.sleep(0.5)
                self._to_admit.set()
            for partition in ready:
                if partition.phase is Phase.STOPPED:
                    self._trouble(partition)
            if len(ready) < len(waiting):
                await asyncio.sleep(0.02)
                self._to_admit.set()

    async def _look_after(self) -> None:
        """Commit the positions to Kafka every second. Every few seconds, measure the lag, check whether the client
        makes progress, and try stopped partitions again."""
        measured_at = 0.0
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._commit(), 5)
            self._watchdog.check_poll()
            if time.monotonic() - measured_at >= MEASURE_SECONDS:
                measured_at = time.monotonic()
                await self._watchdog.check(self._member, list(self.partitions.values()))
                self._retry_stopped()

    async def _commit(self) -> None:
        """Commit the positions to Kafka. Only lag tools read them, so a failure has no consequences."""
        changed = {
            name: partition.next_offset
            for name, partition in self.partitions.items()
            if partition.phase is Phase.READY and partition.kafka_offset != partition.next_offset
        }
        if not changed:
            return
        await self._member.commit(changed)
        crashpoint(CrashPoint.CONSUMER_AFTER_KAFKA_COMMIT)
        for name, offset in changed.items():
            if name in self.partitions:
                self.partitions[name].kafka_offset = offset

    def _retry_stopped(self) -> None:
        """Admit stopped partitions again after a while. If the reason still exists, they stop again."""
        for partition in self.partitions.values():
            if partition.phase is Phase.STOPPED and time.monotonic() - partition.stopped_at > STOPPED_RETRY_SECONDS:
                partition.readmit()
                self._to_admit.set()

    async def _follow_hands(self) -> None:
        """Begin again at positions that an operator has moved. This is a separate task because PostgreSQL may not
        answer."""
        while True:
            await asyncio.sleep(MEASURE_SECONDS)
            try:
                moved = await moved_by_hand(self.partitions, group=self._group, transaction=self._transaction)
            except Exception as error:
                report(log, logging.WARNING, "consumer.positions_not_compared", error, group=self._group)
                continue
            for partition in moved:
                partition.readmit()
                self._to_admit.set()

    def _lane_of(self, partition: Partition) -> Lane:
        lanes = self._lanes[partition.tp.topic]
        return lanes[partition.number % len(lanes)]

    def _all_lanes(self) -> list[Lane]:
        return [lane for lanes in self._lanes.values() for lane in lanes]
