"""Reads from Kafka what the services or a reference have published, with the times at which Kafka stored it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.arrivals import NEEDS
from bench.floor.stage import PARTITIONS

REGISTRATION, REFERRAL = "enlace.registration", "enlace.referral"
OFFER_MADE = "offer.made.v1"
POLL_MS = 200

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True)
class Published:
    """One event on a topic."""

    key: str
    type: str
    at: datetime
    """When Kafka stored it, in whole milliseconds."""


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def ends(bootstrap: str, *topics: str) -> dict[TopicPartition, int]:
    """The offsets at which the next events of these topics will be."""
    async with _reader(bootstrap) as consumer:
        return await _ends(consumer, *topics)


async def _ends(consumer: AIOKafkaConsumer, *topics: str) -> dict[TopicPartition, int]:
    places = [TopicPartition(name, number) for name in topics for number in range(PARTITIONS)]
    return dict(await consumer.end_offsets(places))


async def published(bootstrap: str, since: Offsets) -> list[Published]:
    """All events from these offsets to the present ends of their partitions."""
    async with _reader(bootstrap) as consumer:
        last = {place: end for place, end in (await consumer.end_offsets(list(since))).items() if end > since[place]}
        consumer.assign(list(last))
        for place in last:
            consumer.seek(place, since[place])
        found: list[Published] = []
        while last:
            for place, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                found += [_event(record) for record in records]
                if place in last and records[-1].offset + 1 >= last[place]:
                    del last[place]
        return found


def _event(record: Any) -> Published:
    kind = dict(record.headers)["ce_type"].decode()
    return Published(record.key.decode(), kind, datetime.fromtimestamp(record.timestamp / 1000, UTC))


class Offers:
    """Waits for the offers of one person after another."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def of_next_person(self) -> datetime:
        """When Kafka stored the last offer of the next person. Raises ValueError if another person has offers too."""
        found: list[Published] = []
        while len(found) < len(NEEDS):
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                found += [one for one in map(_event, records) if one.type == OFFER_MADE]
        if len(found) > len(NEEDS) or len({one.key for one in found}) > 1:
            raise ValueError("a person who should have been alone was not")
        return max(one.at for one in found)


@asynccontextmanager
async def offers(bootstrap: str) -> AsyncIterator[Offers]:
    """Hears the offers that are published from now on."""
    async with _reader(bootstrap) as consumer:
        since = await _ends(consumer, REFERRAL)
        consumer.assign(list(since))
        for place, offset in since.items():
            consumer.seek(place, offset)
        yield Offers(consumer)
