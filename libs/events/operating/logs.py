"""Read the logs of Kafka without being a member of a group. No position is moved or committed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from libs.events.cluster import Cluster
from libs.events.kafka import CLOSE_SECONDS, GroupMember, Record
from libs.events.processes.ending import ends_within

ANSWER_SECONDS = 15.0
FETCH_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first offset and the end of the log of one partition at present."""

    first: int
    end: int


class Logs:
    """Reads partitions, one after the other."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def bounds(self, names: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bounds]:
        """The bounds of these partitions; partitions that do not exist are left out."""
        given = list(names)
        there = {topic: set(await self.partitions_of(topic)) for topic in {name.topic for name in given}}
        wanted = [name for name in given if name in there[name.topic]]
        async with asyncio.timeout(ANSWER_SECONDS):
            first = await cast(GroupMember, self._client).beginning_offsets(wanted)
            end = await cast(GroupMember, self._client).end_offsets(wanted)
        return {name: Bounds(first[name], end[name]) for name in wanted}

    async def partitions_of(self, topic: str) -> list[TopicPartition]:
        """The partitions of a topic; none if the topic does not exist."""
        # `partitions_for_topic` knows only subscribed topics, and `topics` returns no partitions.
        cluster = await self._client._client.fetch_all_metadata()
        return [TopicPartition(topic, number) for number in sorted(cluster.partitions_for_topic(topic) or ())]

    async def records(self, name: TopicPartition, first: int, end: int) -> AsyncIterator[list[Record]]:
        """The records from `first` to before `end`, in lists. A log may have gaps."""
        self._client.assign([name])
        self._client.seek(name, first)
        while True:
            async with asyncio.timeout(ANSWER_SECONDS):
                # The position also moves past markers of transactions and compacted records, for which getmany returns
                # nothing.
                if await self._client.position(name) >= end:
                    return
                fetched = await self._client.getmany(name, timeout_ms=500, max_records=FETCH_RECORDS)
            records = [record for record in fetched.get(name, ()) if record.offset < end]
            if records:
                yield records

    async def record_at(self, name: TopicPartition, offset: int) -> Record | None:
        """The record at exactly this offset, or None if there is none."""
        async for records in self.records(name, offset, offset + 1):
            return records[0]
        return None


@asynccontextmanager
async def reading(cluster: str | Cluster) -> AsyncIterator[Logs]:
    """A client that only reads, closed at the end."""
    untyped: Any = AIOKafkaConsumer
    client = untyped(
        **Cluster.of(cluster).options(),
        client_id="enlace-operator",
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    try:
        await client.start()
        yield Logs(client)
    finally:
        # If `stop` is called just after the start, aiokafka confuses the end of its own task with a cancellation of the
        # caller.
        await ends_within(CLOSE_SECONDS, client.stop())
