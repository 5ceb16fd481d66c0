"""Every Kafka client of Enlace and every setting of theirs, with its reason; and the part of aiokafka that is used."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import ConsumerRecord, TopicPartition

from libs.events.cluster import Cluster
from libs.events.processes.ending import ends_within

BATCH_BYTES = 900_000
"""Largest batch of one partition; below the broker's default of 1 MiB for a whole batch."""
SESSION_TIMEOUT_MS = 10_000
"""After so long without a heartbeat a member is thought dead and its partitions go to others."""

MAX_POLL_INTERVAL_MS = 300_000
"""A member that doesn't ask for records for so long leaves the group by itself."""
REBALANCE_TIMEOUT_MS = 15_000
"""A member that doesn't rejoin for so long after a rebalance began is left behind."""
CLOSE_SECONDS = 5.0
"""The longest that closing a client may take in each of its steps."""

Record = ConsumerRecord[bytes | None, bytes | None]


class BatchBuilder(Protocol):
    """Records of one partition on their way into one produce request."""

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> object | None:
        """Add a record; None if the batch is full."""

    def record_count(self) -> int:
        """How many records it holds."""

    def close(self) -> None:
        """Take no more records."""


class Acknowledged(Protocol):
    """What Kafka says of a batch that all in-sync replicas have."""

    offset: int


class Producer(Protocol):
    """What the relay needs of a producer."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Flush and close; unbounded, see `abandon`."""

    async def partitions_for(self, topic: str) -> set[int]:
        """The partitions of a topic."""

    def create_batch(self) -> BatchBuilder:
        """An empty batch."""

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Acknowledged]":
        """Hand a batch over; the future ends when it is acknowledged."""


class GroupMember(Protocol):
    """What the consumer needs of a member of a group."""

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
        """What has been fetched; positions move on."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Fetch from here next."""

    async def position(self, partition: TopicPartition) -> int:
        """Where it will fetch next."""

    def pause(self, *partitions: TopicPartition) -> None:
        """Fetch no more from these."""

    def resume(self, *partitions: TopicPartition) -> None:
        """Fetch from these again."""

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell Kafka these positions, for lag tools."""

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset that is still there, per partition."""

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset after the last record, per partition."""


def producer(cluster: str | Cluster, *, client_id: str) -> Producer:
    """A producer that acknowledges only what every in-sync replica has, once and in order."""
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
    """Close a producer for good, whatever state it is in.

    aiokafka's `stop` waits for every batch without a limit, and with idempotence a batch never expires. What isn't
    acknowledged by then stays in the outbox. Without `flush_seconds` what waits in it is dropped at once.
    """
    if flush_seconds and await ends_within(flush_seconds, client.stop()):
        return
    untyped: Any = client
    await _cut(untyped, getattr(untyped._sender, "sender_task", None), connections=untyped.client)


async def leave(client: GroupMember) -> None:
    """Close a member for good, whatever state it is in.

    aiokafka's `stop` waits for the coordinator without a limit. Cut short it leaves a heartbeat behind that keeps the
    dead member's partitions to itself: this doesn't.
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


def group_member(cluster: str | Cluster, *, group: str, client_id: str, instance_id: str | None) -> GroupMember:
    """A member of a group that never resets or commits a position by itself."""
    untyped: Any = AIOKafkaConsumer
    return cast(
        GroupMember,
        untyped(
            **Cluster.of(cluster).options(),
            client_id=client_id,
            group_id=group,
            group_instance_id=instance_id,
            enable_auto_commit=False,  # PostgreSQL is the truth about positions
            auto_offset_reset="none",  # "earliest" would silently start again at 0 where the log was cut
            isolation_level="read_committed",  # foreign producers may use transactions
            # A record ends the wait at once. It only delays a partition that begins to fetch while another waits, and
            # at 20 ms an idle worker asks fifty times a second: 4 % of a core instead of 1.5 %.
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=1_048_576,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=2_000,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            request_timeout_ms=20_000,
            metadata_max_age_ms=10_000,  # a topic that was deleted and made again is found in seconds, not in 5 minutes
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
