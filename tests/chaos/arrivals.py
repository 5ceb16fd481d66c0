"""Invented people who come: the bodies of events and of REST calls, all from one die."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from tests.chaos.stage import CATEGORIES

EVENT_SOURCE = "urn:chaos:reception"
DESTINATIONS = ("GT01", "GT09", "GT12", "GT13", "GT14")
URGENCIES = ("normal", "urgent", "urgent", "emergency")


def person(random: Random, reference: str, *, batch: str | None = None) -> dict[str, Any]:
    """One arrival with one to three needs; adults, so that nobody has to decide first."""
    needs = random.sample(CATEGORIES, random.randint(1, 3))
    return {
        "sender_reference": reference,
        "batch_reference": batch,
        "reception_place": "GT01" if batch is None else None,
        "arrived_at": datetime.now(UTC).isoformat(),
        "identity": {
            "given_names": f"Persona {random.randrange(10_000)}",
            "family_names": f"Inventada {random.randrange(10_000)}",
            "birth_date": f"{random.randrange(1966, 2000)}-05-17",
        },
        "profile": {
            "sex": random.choice(["male", "male", "male", "female"]),
            "nationality": "GT",
            "identity_document": "lost_on_route",
            "languages": ["spa"],
            "destination": random.choice(DESTINATIONS),
        },
        "needs": [{"category": category, "urgency": random.choice(URGENCIES)} for category in needs],
    }


def landed(reference: str, people_count: int) -> dict[str, Any]:
    """A flight that has landed."""
    return {
        "sender_reference": reference,
        "mode": "flight",
        "reception_place": "GT01",
        "landed_at": datetime.now(UTC).isoformat(),
        "people_count": people_count,
    }


def record(kind: str, body: dict[str, Any], event_id: UUID) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of an event in binary mode."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_source", EVENT_SOURCE.encode()),
        ("ce_type", kind.encode()),
        ("ce_time", datetime.now(UTC).isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    return body["sender_reference"].encode(), json.dumps(body).encode(), headers
