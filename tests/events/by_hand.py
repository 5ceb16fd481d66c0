"""A lane that gets its batches by hand: just what the consumer does with PostgreSQL, without Kafka's timing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from libs.chassis.database import Database
from libs.events.consuming.lanes import Lane
from libs.events.event import Event
from libs.events.handling.batch import Part
from libs.events.handling.delivery import Delivery
from libs.events.handling.partitions import Partition
from libs.events.kafka import Record
from libs.events.postgres import raw
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic
from tests.events.bus import event_headers
from tests.signing import ANYBODY, KEYRING


class Handled:
    """The lane of one topic with one partition, that of offset 0 on."""

    def __init__(self, topic: Topic, subscriptions: Subscriptions, database: Database) -> None:
        self.partition = Partition(topic, 0)
        self.partition.admit(0, last_event_id=None)
        self._database = database
        self._group = subscriptions.group
        self._lane = Lane(
            topic,
            subscriptions=subscriptions,
            delivery=Delivery(subscriptions, seal=None),
            transaction=database.transaction,
            slots=asyncio.Semaphore(1),
            keyring=KEYRING,
        )
        self._lane.partitions.append(self.partition)

    async def begin(self) -> None:
        """Make the position."""
        async with self._database.transaction() as session:
            await (await raw(session)).execute(
                "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset) VALUES ($1, $2, 0, 0)",
                self._group,
                self.partition.tp.topic,
            )

    async def batch(self, events: Sequence[Event]) -> None:
        """Handle these in one batch; it must have committed."""
        first = self.partition.next_offset
        await self.settle([record_of(event, first + number) for number, event in enumerate(events)])
        assert self.partition.next_offset == first + len(events)

    async def settle(self, records: Sequence[Record]) -> None:
        """Handle these records in one batch, or skip them."""
        await self._lane._handle([Part(self.partition, records)])

    async def store(self) -> None:
        """Store the position of what was skipped."""
        await self._lane.store()


def record_of(event: Event, offset: int) -> Record:
    """The record that a relay would have made of `event`."""
    headers = tuple(event_headers(event.type, ce_time=datetime.now(UTC).isoformat()))
    value = event.model_dump_json().encode()
    key = event.key.encode()
    headers += ANYBODY.sign(event.topic, key, headers, value)
    now_ms = int(time.time() * 1000)
    return Record(event.topic, 0, offset, now_ms, 0, key, value, None, len(key), len(value), headers)
