"""Sends a bus as CloudEvents on `enlace.arrivals`, as another organisation's reception system would: half of the events
in binary mode and half in structured mode, in random order."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from deploy.demo.arrivals import Arrival
from libs.events.catalogue.arrivals import TOPIC
from libs.events.event import Event

Record = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value, headers."""


async def send_bus(arrival: Arrival, *, bootstrap_servers: str, seed: int) -> int:
    """Send all events of the bus; returns how many events the brokers have acknowledged."""
    untyped: Any = AIOKafkaProducer
    producer = untyped(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        sent = [
            await producer.send(TOPIC, key=key, value=value, headers=headers)
            for key, value, headers in records(arrival, seed=seed)
        ]
        for acknowledged in sent:
            await acknowledged
    finally:
        await producer.stop()
    return len(sent)


def records(arrival: Arrival, *, seed: int) -> Iterator[Record]:
    """The events of the bus as records in random order; people may come before the announcement of their bus.

    Every second record is in structured mode.
    """
    events: list[Event] = [arrival.announced(), arrival.landed(), *map(arrival.arrived, arrival.people)]
    Random(seed).shuffle(events)  # noqa: S311 - a demo's dice, no secret
    source = f"urn:demo:reception:{arrival.place.lower()}"
    for place, event in enumerate(events):
        yield _structured(event, source) if place % 2 else _binary(event, source)


def _binary(event: Event, source: str) -> Record:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(uuid4()).encode()),
        ("ce_source", source.encode()),
        ("ce_type", event.type.encode()),
        ("ce_time", datetime.now(UTC).isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    return event.key.encode(), event.model_dump_json().encode(), headers


def _structured(event: Event, source: str) -> Record:
    whole = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": source,
        "type": event.type,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": event.model_dump(mode="json"),
    }
    return event.key.encode(), json.dumps(whole).encode(), [("content-type", b"application/cloudevents+json")]
