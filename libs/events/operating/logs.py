"""Look into the logs of Kafka without being a member of any group; moves and commits nothing."""

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
    """Where the log of one partition begins and ends now."""

    first: int
    end: int


class Logs:
    """Reads partitions, one after the other."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def bounds(self, names: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bounds]:
        """The bounds of those of these partitions that are there."""
        given = list(names)
        there = {topic: set(await self.partitions_of(topic)) for topic in {name.topic for name in given}}
        wanted = [name for name in given if name in there[name.topic]]
        async with asyncio.timeout(ANSWER_SECONDS):
            first = await cast(GroupMember, self._client).beginning_offsets(wanted)
            end = await cast(GroupMember, self._client).end_offsets(wanted)
        return {name: Bounds(first[name], end[name]) for name in wanted}

    async def partitions_of(self, topic: str) -> list[TopicPartition]:
        """The partitions of a topic, none if there is no such topic."""
        # `partitions_for_topic` knows subscribed topics only, `topics` asks for all and tells no partitions.
        cluster = await self._client._client.fetch_all_metadata()
        return [TopicPartition(topic, number) for number in sorted(cluster.partitions_for_topic(topic) or ())]

    async def records(self, name: TopicPartition, first: int, end: int) -> AsyncIterator[list[Record]]:
        """The records from `first` to before `end`, in lists. A log may have gaps."""
        self._client.assign([name])
        self._client.seek(name, first)
        while True:
            async with asyncio.timeout(ANSWER_SECONDS):
                # Past the markers of transactions and what compaction took, which are no records.
                if await self._client.position(name) >= end:
                    return
                fetched = await self._client.getmany(name, timeout_ms=500, max_records=FETCH_RECORDS)
            records = [record for record in fetched.get(name, ()) if record.offset < end]
            if records:
                yield records

    async def record_at(self, name: TopicPartition, offset: int) -> Record | None:
        """The record at exactly this offset, or None where there is none."""
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
        # A client that has only just started takes the end of its own task for a cancellation of whoever stops it.
        await ends_within(CLOSE_SECONDS, client.stop())
