"""The consumer of one service: it is a member of its consumer group, and joins again with a new client after a
failure."""

import asyncio
import logging
import os
import random
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from libs.events import kafka
from libs.events.cluster import Cluster
from libs.events.consuming.lanes import Lane
from libs.events.consuming.membership import Membership
from libs.events.consuming.retries import Retries
from libs.events.consuming.watchdog import StuckError
from libs.events.handling.delivery import Delivery
from libs.events.handling.keyed import Digest, Seal
from libs.events.handling.partitions import Partition, Phase
from libs.events.observing import metrics
from libs.events.observing.reporting import report
from libs.events.postgres import Transaction
from libs.events.processes.ending import end
from libs.events.signing import Keyring
from libs.events.subscriptions import Subscriptions
from libs.events.topics import TOPICS, Topic, TopicsError, check_topics
from libs.waiting.pauses import done_or_set, is_set_within

log = logging.getLogger(__name__)

LANES_PER_TOPIC = 1
TRANSACTIONS_AT_ONCE = 2
DRAIN_SECONDS = 10.0
START_SECONDS = 30.0


class Consumer:
    """Delivers events to the handlers of `subscriptions`: the effects of each event happen once, in order per key.

    A service process has one consumer. `transaction` opens a session whose transaction commits at its end; each batch
    is applied in one transaction. A topic that may contain identity data needs `seal` to encrypt its parked events,
    `unseal` to retry them, and a keyed `digest` for their ids and keys. The digest also distinguishes a repeated
    foreign event from another event with the same id. `instance_id` makes the membership static, so that the process
    gets its partitions back at once after a restart; it must be unique among all members. `topics` are the declared
    topics; for other topics defaults apply. A topic with a writer needs `keyring`: only events that its writer has
    signed are handled.
    """

    def __init__(
        self,
        bootstrap_servers: str | Cluster,
        subscriptions: Subscriptions,
        *,
        transaction: Transaction,
        seal: Seal | None = None,
        unseal: Seal | None = None,
        digest: Digest | None = None,
        topics: Mapping[str, Topic] = TOPICS,
        instance_id: str | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._subscriptions = subscriptions
        self._transaction = transaction
        self._instance_id = instance_id
        self._topics = {name: topics.get(name) or Topic(name, partitions=0) for name in subscriptions.topics}
        if seal is None and any(topic.personal for topic in self._topics.values()):
            raise ValueError("a topic that may carry identity data needs a seal for its parked events")
        if digest is None and any(topic.personal for topic in self._topics.values()):
            raise ValueError("a topic that may carry identity data needs a keyed digest for its ids and keys")
        if keyring is None and self._writers:
            raise ValueError("a topic that has a writer needs the keys that verify its signatures")
        self._keyring = keyring
        self._delivery = Delivery(subscriptions, seal=seal, **({} if digest is None else {"digest": digest}))
        self._retries = Retries(
            subscriptions, self._delivery, topics=self._topics, unseal=unseal, digest=digest, keyring=keyring
        )
        self._membership: Membership | None = None
        self._lanes: dict[str, list[Lane]] = {}
        self._trouble: str | None = "not started"
        self._backlogs: list[Partition] = []
        self.rebuilds = 0
        """How often it has replaced a client that failed."""
        metrics.watch(self)

    @property
    def _writers(self) -> set[str]:
        return {topic.writer for topic in self._topics.values() if topic.writer is not None}

    @property
    def group(self) -> str:
        """The name of the consumer group."""
        return self._subscriptions.group

    def backlogs(self) -> Sequence[Partition]:
        """The partitions that are assigned to it; while it has no client, those that it had last."""
        membership = self._membership
        if membership is not None and membership.joined:
            self._backlogs = list(membership.partitions.values())
        return self._backlogs

    def why_unready(self) -> str | None:
        """The reason why this consumer is not ready, in one sentence without personal data; None if it is ready."""
        membership = self._membership
        if membership is None:
            return self._trouble
        if not membership.joined:
            return "waiting for partitions"
        for partition in membership.partitions.values():
            if partition.why_stopped is not None:
                return f"{partition.tp.topic} partition {partition.number} is stopped: {partition.why_stopped}"
            if partition.phase is Phase.ASSIGNED:
                return "positions are being read"
        return next((lane.trouble for lanes in self._lanes.values() for lane in lanes if lane.trouble), None)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. Never raises: a client that fails is replaced, after a growing pause."""
        retries = asyncio.create_task(self._retries.run(self._transaction))
        pause = 0.2
        try:
            while not stop.is_set():
                started = time.monotonic()
                try:
                    await self._live(stop)
                except Exception as error:
                    self._note(error)
                finally:
                    self.backlogs()
                    self._membership = None
                if stop.is_set():
                    return
                pause = 0.2 if time.monotonic() - started > 30 else min(pause * 2, 5.0)
                await is_set_within(stop, pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        finally:
            await end(retries)

    async def _live(self, stop: asyncio.Event) -> None:
        """Join the group and consume until this membership ends."""
        if not await _before(stop, self._check_topics()):
            return
        member = kafka.group_member(
            self._bootstrap_servers,
            group=self._subscriptions.group,
            client_id=f"enlace-{self._subscriptions.group}-{os.getpid()}",
            instance_id=self._instance_id,
        )
        try:
            if not await _before(stop, asyncio.wait_for(member.start(), START_SECONDS)):
                return
            self._lanes = self._new_lanes()
            self._membership = Membership(
                member,
                group=self._subscriptions.group,
                topics=self._topics,
                lanes=self._lanes,
                transaction=self._transaction,
                identify=self._delivery.identify,
            )
            await self._until(stop, self._membership)
        finally:
            await kafka.leave(member)

    async def _check_topics(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            faults = await check_topics(self._bootstrap_servers, self._topics.values())
        # Reported at the start. Otherwise every event would be parked.
        faults += [f"no key of {writer} is known: its events would be rejected" for writer in self._lacking()]
        if faults:
            raise TopicsError(faults)

    def _lacking(self) -> list[str]:
        return [] if self._keyring is None else self._keyring.lacks(self._writers)

    async def _until(self, stop: asyncio.Event, membership: Membership) -> None:
        work = asyncio.create_task(membership.run())
        try:
            await done_or_set(work, stop)
            if work.done():
                work.result()
            else:
                await membership.drain(DRAIN_SECONDS)
        finally:
            await end(work)

    def _new_lanes(self) -> dict[str, list[Lane]]:
        slots = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)
        return {
            name: [
                Lane(
                    topic,
                    subscriptions=self._subscriptions,
                    delivery=self._delivery,
                    transaction=self._transaction,
                    slots=slots,
                    keyring=self._keyring,
                )
                for _ in range(LANES_PER_TOPIC)
            ]
            for name, topic in self._topics.items()
        }

    def _note(self, error: Exception) -> None:
        if isinstance(error, GroupAuthorizationFailedError):
            group = self._subscriptions.group
            self._trouble = f"Kafka does not let this service into group {group} (READ is missing in its ACLs)"
        elif isinstance(error, (TopicsError, StuckError, TopicAuthorizationFailedError)):
            self._trouble = str(error)
        else:
            told = Cluster.of(self._bootstrap_servers).told(error)
            self._trouble = told or f"the client failed with {type(error).__name__}"
        reason = str(error) if isinstance(error, StuckError) else type(error).__name__
        self.rebuilds += 1
        metrics.client_rebuilds.add(1, {"enlace.client": "consumer", "error.type": reason})
        level = logging.WARNING if isinstance(error, (KafkaError, OSError, StuckError, TopicsError)) else logging.ERROR
        report(log, level, "consumer.rebuilt", error, group=self._subscriptions.group, reason=self._trouble)


async def _before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Whether `work` ended before `stop` was set. If not, `work` is cancelled. Raises the errors of `work`."""
    task = asyncio.create_task(work)
    try:
        await done_or_set(task, stop)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        await end(task)
