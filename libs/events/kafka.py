"""Every setting of every Kafka client, in one place, with its reason."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

BATCH_BYTES = 900_000
"""Largest batch of one partition; below the broker's default of 1 MiB for a whole batch."""
SESSION_TIMEOUT_MS = 10_000
"""After so long without a heartbeat a member is thought dead and its partitions go to others."""


def producer(bootstrap_servers: str, *, client_id: str) -> AIOKafkaProducer:
    """A producer that acknowledges only what every in-sync replica has, once and in order."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        max_request_size=BATCH_BYTES,
        linger_ms=0,  # the outbox batches already
        request_timeout_ms=15_000,
    )


def consumer(
    bootstrap_servers: str, *, group: str, client_id: str, instance_id: str | None = None
) -> AIOKafkaConsumer:
    """A member of a group that never resets or commits a position by itself."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        group_id=group,
        group_instance_id=instance_id,
        enable_auto_commit=False,  # PostgreSQL is the truth about positions
        auto_offset_reset="none",  # "earliest" would silently start again at 0 where the log was cut
        isolation_level="read_committed",  # foreign producers may use transactions
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=1_048_576,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=2_000,
        rebalance_timeout_ms=30_000,
        max_poll_interval_ms=300_000,
        request_timeout_ms=20_000,
    )


@asynccontextmanager
async def admin(bootstrap_servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for topics and groups, closed at the end."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, client_id="enlace-admin")
    await client.start()
    try:
        yield client
    finally:
        await client.close()
