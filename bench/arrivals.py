"""The load: invented people who arrive with three needs each, as CloudEvents on `enlace.arrivals`."""

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

TOPIC = "enlace.arrivals"
FLIGHT_SIZE = 135
NEEDS = ("transport", "food", "health")
DESTINATIONS = ("GT01", "GT09", "GT12", "GT13", "GT14")


@dataclass(frozen=True)
class Message:
    """One event, ready to be sent."""

    type: str
    key: str
    data: bytes

    def headers(self) -> list[tuple[str, bytes]]:
        """CloudEvents attributes in binary mode."""
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid.uuid4()).encode()),
            ("ce_source", b"urn:bench:reception"),
            ("ce_type", self.type.encode()),
            ("ce_time", datetime.now(UTC).isoformat().encode()),
            ("content-type", b"application/json"),
        ]


def landings(count: int, *, run: str, mode: str = "flight", place: str = "GT01") -> Iterator[Message]:
    """Flights of 135 people for `count` people in total; the last flight may be smaller.

    Send these messages before those of `arrivals`.
    """
    for first in range(0, count, FLIGHT_SIZE):
        yield _landed(f"{run}-{first // FLIGHT_SIZE}", min(FLIGHT_SIZE, count - first), mode, place)


def arrivals(count: int, *, run: str, urgency: str = "urgent") -> Iterator[Message]:
    """One arrival message for each person on these flights."""
    chance = random.Random(run)  # noqa: S311 - a load, not a secret
    for number in range(count):
        yield _arrived(f"{run}-{number}", f"{run}-{number // FLIGHT_SIZE}", chance, urgency)


def _landed(batch: str, size: int, mode: str, place: str) -> Message:
    data = {
        "sender_reference": batch,
        "mode": mode,
        "reception_place": place,
        "landed_at": datetime.now(UTC).isoformat(),
        "people_count": size,
    }
    return Message("arrival-batch.landed.v1", batch, json.dumps(data).encode())


def _arrived(reference: str, batch: str, chance: random.Random, urgency: str) -> Message:
    data = {
        "sender_reference": reference,
        "batch_reference": batch,
        "arrived_at": datetime.now(UTC).isoformat(),
        "identity": {
            "given_names": f"Persona {chance.randrange(10_000)}",
            "family_names": f"Inventada {chance.randrange(10_000)}",
            "birth_date": f"{chance.randrange(1966, 2006)}-05-17",
        },
        "profile": {
            "sex": chance.choice(["male"] * 14 + ["female"]),
            "nationality": "GT",
            "identity_document": "lost_on_route",
            "languages": ["spa"],
            "destination": chance.choice(DESTINATIONS),
        },
        "needs": [{"category": category, "urgency": urgency} for category in NEEDS],
    }
    return Message("returnee.arrived.v1", reference, json.dumps(data).encode())


async def send_all(bootstrap: str, messages: list[Message], *, topic: str = TOPIC) -> datetime:
    """Send all messages as fast as Kafka accepts them; returns the time just before the first was sent."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=256 * 1024, linger_ms=5)
    await producer.start()
    started = datetime.now(UTC)
    try:
        waiting = [
            await producer.send(topic, message.data, key=message.key.encode(), headers=message.headers())
            for message in messages
        ]
        for sent in waiting:
            await sent
    finally:
        await producer.stop()
    return started
