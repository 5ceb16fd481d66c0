"""All Kafka clients of Enlace and their settings, with reasons, and the interface of aiokafka that is used."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.structs import ConsumerRecord, TopicPartition

from libs.events.cluster import Cluster
from libs.events.processes.ending import ends_within

BATCH_BYTES = 900_000
"""The largest batch of one partition. It is smaller than the broker's default limit of 1 MiB for a whole batch."""
SESSION_TIMEOUT_MS = 10_000
"""A member without a heartbeat for this time counts as dead, and its partitions are assigned to others."""

MAX_POLL_INTERVAL_MS = 300_000
"""A member that does not ask for records for this time leaves the group by itself."""
REBALANCE_TIMEOUT_MS = 15_000
"""A member that does not rejoin within this time after a rebalance began is removed from the group."""
CLOSE_SECONDS = 5.0
"""The maximum time for each step of closing a client."""
FETCH_WAIT_MS = 100
"""How long Kafka waits for the first record before it answers a member that there is none. A record ends the wait at
once. The wait delays only a partition that begins to fetch while others wait, for example because its last records were
being handed over. With 20 ms an idle worker would use 4 % of a core instead of 1.5 %."""
IDLE_FETCH_WAIT_MS = 500
IDLE_SECONDS = 5.0
"""A member that got no record for this time lets Kafka wait longer. Its next record comes at once all the same."""

Record = ConsumerRecord[bytes | None, bytes | None]


class BatchBuilder(Protocol):
    """Records of one partition that are collected for one produce request."""

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> object | None:
        """Add a record; None if the batch is full."""

    def record_count(self) -> int:
        """How many records it holds."""

    def close(self) -> None:
        """Take no more records."""


class Acknowledged(Protocol):
    """Kafka's acknowledgement of a batch, after all in-sync replicas have stored it."""

    offset: int


class Producer(Protocol):
    """The part of a producer that the relay uses."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Flush and close. This can take any time; see `abandon`."""

    async def partitions_for(self, topic: str) -> set[int]:
        """The partitions of a topic."""

    def create_batch(self) -> BatchBuilder:
        """An empty batch."""

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Acknowledged]":
        """Pass a batch to the client. The future ends when the batch is acknowledged."""


class GroupMember(Protocol):
    """The part of a group member that the consumer uses."""

    async def start(self) -> None:
        """Connect and join."""

    async def stop(self) -> None:
        """Leave and close."""

    def subscribe(self, topics: Iterable[str], listener: ConsumerRebalanceListener) -> None:
        """Ask for a share of these topics."""

    def assignment(self) -> set[TopicPartition]:
        """The partitions that it has now."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, list[Record]]:
        """The fetched records. The client's positions move to the offsets after them."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Fetch from this offset next."""

    async def position(self, partition: TopicPartition) -> int:
        """The offset from which it will fetch next."""

    def pause(self, *partitions: TopicPartition) -> None:
        """Fetch no more from these."""

    def resume(self, *partitions: TopicPartition) -> None:
        """Fetch from these again."""

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit these positions to Kafka, for lag tools."""

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset that still exists, per partition."""

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset after the last record, per partition."""


def producer(cluster: str | Cluster, *, client_id: str) -> Producer:
    """A producer that sends records once and in order. A batch counts as acknowledged when all in-sync replicas have
    stored it."""
    untyped: Any = AIOKafkaProducer
    return cast(
        Producer,
        untyped(
            **Cluster.of(cluster).options(),
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            max_request_size=BATCH_BYTES,
            linger_ms=0,  # the outbox batches already
            request_timeout_ms=15_000,
        ),
    )


async def abandon(client: Producer, *, flush_seconds: float = 2.0) -> None:
    """Close a producer permanently, whatever state it is in.

    aiokafka's `stop` waits for every batch without a limit, and with idempotence a batch never expires. Here it waits
    for at most `flush_seconds`; with 0 the waiting batches are discarded at once. Events that are not acknowledged by
    then stay in the outbox.
    """
    if flush_seconds and await ends_within(flush_seconds, client.stop()):
        return
    untyped: Any = client
    await _cut(untyped, getattr(untyped._sender, "sender_task", None), connections=untyped.client)


async def leave(client: GroupMember) -> None:
    """Close a member permanently, whatever state it is in.

    aiokafka's `stop` waits for the coordinator without a limit. If it is interrupted, its heartbeat task continues, and
    Kafka does not assign the partitions of the dead member to others. This function also ends that task.
    """
    untyped: Any = client
    coordinator = untyped._coordinator
    if await ends_within(CLOSE_SECONDS, client.stop()):
        return
    tasks = [getattr(coordinator, name, None) for name in _COORDINATOR_TASKS]
    tasks.append(getattr(untyped._fetcher, "_fetch_task", None))
    tasks.extend(getattr(untyped._fetcher, "_pending_tasks", ()))
    await _cut(untyped, *tasks, connections=untyped._client)


_COORDINATOR_TASKS = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")


async def _cut(client: Any, *tasks: "asyncio.Task[Any] | None", connections: Any) -> None:
    client._closed = True
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=CLOSE_SECONDS)
    await ends_within(CLOSE_SECONDS, connections.close())


class _Fetcher(Fetcher):
    """A fetcher of aiokafka that sends fewer requests while no records come."""

    came_at = float("-inf")

    def _get_actions_per_node(self, assignment: Any) -> Any:
        is_idle = time.monotonic() - self.came_at > IDLE_SECONDS
        self._fetch_max_wait_ms = IDLE_FETCH_WAIT_MS if is_idle else FETCH_WAIT_MS
        return super()._get_actions_per_node(assignment)  # type: ignore[no-untyped-call]

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> Any:
        came = await super()._proc_fetch_request(assignment, node_id, request)  # type: ignore[no-untyped-call]
        # Before the next request is made. Otherwise a second record of this partition could wait for half a second.
        if came:
            self.came_at = time.monotonic()
        return came


class _Member(AIOKafkaConsumer):
    async def start(self) -> None:
        await super().start()  # type: ignore[no-untyped-call]
        # aiokafka makes the fetcher itself, and its wait cannot be changed by a setting.
        fetcher: Any = self._fetcher
        fetcher.__class__ = _Fetcher
        fetcher.came_at = time.monotonic()


def group_member(cluster: str | Cluster, *, group: str, client_id: str, instance_id: str | None) -> GroupMember:
    """A member of a group that never resets or commits a position by itself."""
    untyped: Any = _Member
    return cast(
        GroupMember,
        untyped(
            **Cluster.of(cluster).options(),
            client_id=client_id,
            group_id=group,
            group_instance_id=instance_id,
            enable_auto_commit=False,  # the positions in PostgreSQL are the valid ones
            auto_offset_reset="none",  # "earliest" would start again at 0 without notice after the log was cut
            isolation_level="read_committed",  # foreign producers may use transactions
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=1_048_576,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=2_000,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            request_timeout_ms=20_000,
            metadata_max_age_ms=10_000,  # a topic that was created again is found in seconds, not in 5 minutes
        ),
    )


@asynccontextmanager
async def admin(cluster: str | Cluster) -> AsyncIterator[Any]:
    """A client for topics and groups (`AIOKafkaAdminClient`), closed at the end."""
    client: Any = AIOKafkaAdminClient(**Cluster.of(cluster).options(), client_id="enlace-admin")
    await client.start()
    try:
        yield client
    finally:
        await client.close()
