"""How far the consumer of a service is behind, from its positions and the logs. It also works if the consumer does not
run."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from libs.events.cluster import Cluster
from libs.events.kafka import GroupMember
from libs.events.postgres import Connection

READ_SECONDS = 10.0
"""The maximum time to wait for the records at the positions."""


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition of one group."""

    group: str
    topic: str
    partition: int
    position: int
    end: int | None
    """None if the topic does not exist any more."""
    oldest_ms: int | None = None
    """Kafka's time of the record at the position, in milliseconds since 1970. None if no record waits, or if the record
    does not exist any more."""

    @property
    def records(self) -> int | None:
        """The number of records between position and end. A negative number means that the log was cut."""
        return None if self.end is None else self.end - self.position

    @property
    def seconds(self) -> float | None:
        """How long the record at the position has been waiting; 0 if no record waits, None if it cannot be read."""
        if self.oldest_ms is not None:
            return max(time.time() - self.oldest_ms / 1000, 0.0)
        return 0.0 if self.records == 0 else None


async def lag_of(connection: Connection, cluster: str | Cluster) -> list[Lag]:
    """The lag of every position in this database."""
    rows = await connection.fetch("SELECT * FROM consumer_position ORDER BY consumer_group, topic, partition")
    untyped: Any = AIOKafkaConsumer
    client = cast(GroupMember, untyped(**Cluster.of(cluster).options(), enable_auto_commit=False))
    await client.start()
    try:
        topics = await cast(Any, client).topics()
        names = [TopicPartition(row["topic"], row["partition"]) for row in rows if row["topic"] in topics]
        ends = await client.end_offsets(names)
        positions = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        oldest = await _oldest(client, {name: positions[name] for name in names if positions[name] < ends[name]})
    finally:
        await client.stop()
    return [
        Lag(
            row["consumer_group"],
            row["topic"],
            row["partition"],
            row["next_offset"],
            ends.get(TopicPartition(row["topic"], row["partition"])),
            oldest.get(TopicPartition(row["topic"], row["partition"])),
        )
        for row in rows
    ]


async def _oldest(client: GroupMember, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """When Kafka received the first record at or after each position. Partitions without such a record are left out."""
    found: dict[TopicPartition, int] = {}
    if not positions:
        return found
    first = await client.beginning_offsets(positions)
    cast(Any, client).assign(list(positions))
    for name, position in positions.items():
        client.seek(name, max(position, first[name]))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READ_SECONDS):
            while missing := [name for name in positions if name not in found]:
                for name, records in (await client.getmany(*missing, timeout_ms=200, max_records=len(missing))).items():
                    found.setdefault(name, records[0].timestamp)
    return found
