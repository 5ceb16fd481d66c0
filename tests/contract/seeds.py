"""Requests that are right, in an order in which each finds what it needs. Everybody in them is invented."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from tests.certifying import Certifying
from tests.served import IssuerForTests
from tests.service.referral.world import World

Seed = tuple[str, str, Any]
"""The operation as the API document names it, the path, the body."""


def seeds_of(service: str) -> list[Seed]:
    """What the service is sent before anything else."""
    made = _SEEDS.get(service)
    return made() if made else []


async def fill_referral(app: FastAPI, issuer: IssuerForTests, url: str, organization_id: UUID) -> None:
    """Referral creates nothing over HTTP: it hears of two services and some people, and offers what it can."""
    # Nobody is asked over HTTP.
    world = World(app, httpx.AsyncClient(), issuer, url, Certifying(frozenset()))
    try:
        for _ in range(2):
            await world.provider(places=6, organization_id=organization_id)
        for _ in range(6):
            await world.person({}, {"category": "health"})
        assert await world.round() > 0
    finally:
        await world.client.aclose()
        await world.database.close()


def _provider_directory() -> list[Seed]:
    organization_id, location_id, service_id = uuid4(), uuid4(), uuid4()
    organization, location, service = "/v1/organizations", "/v1/locations", "/v1/services"
    wanted = {
        "text": "casa",
        "category": "shelter",
        "service_type": "temporary_shelter",
        "place": "GT13",
        "language": "spa",
        "accepts_now": True,
        "open_at": "2026-03-02T15:00:00Z",
    }
    pool = {"id": str(uuid4()), "kind": "adult_beds", "maximum": 10, "available": 4}
    where = {"place": "GT01", "timezone": "America/Guatemala"}
    of = {"organization_id": str(organization_id)}
    return [
        (
            f"PUT {organization}/{{organization_id}}",
            f"{organization}/{organization_id}",
            {"name": "Casa Ejemplo", "description": "Sample data"},
        ),
        (f"PUT {location}/{{location_id}}", f"{location}/{location_id}", of | where),
        (
            f"PUT {service}/{{service_id}}",
            f"{service}/{service_id}",
            of | where | {
                "name": "Albergue temporal",
                "category": "shelter",
                "service_type": "temporary_shelter",
                "languages": ["spa"],
            },
        ),
        (f"PUT {service}/{{service_id}}/capacity", f"{service}/{service_id}/capacity", {"pools": [pool]}),
        ("POST /v1/services/search", "/v1/services/search", wanted),
    ]  # fmt: skip


def _registration() -> list[Seed]:
    landed_at = datetime.now(UTC) - timedelta(hours=1)
    person = {
        "arrived_at": landed_at.isoformat(),
        "reception_place": "GT01",
        "identity": {"given_names": "Muestra Uno", "family_names": "Ejemplo Primero"},
        "profile": {"nationality": "GT", "identity_document": "lost_on_route"},
    }
    flight = {
        "sender_reference": f"flight-{uuid4()}",
        "mode": "flight",
        "reception_place": "GT01",
        "expected_at": landed_at.isoformat(),
        "entries": [
            {"sender_reference": f"person-{uuid4()}", "given_names": "Muestra Dos", "family_names": "Ejemplo Segundo"}
        ],
    }
    return [
        ("POST /v1/arrival-batches", "/v1/arrival-batches", flight),
        ("POST /v1/returnees", "/v1/returnees", person),
    ]


def _notifications() -> list[Seed]:
    return [("POST /v1/endpoints", "/v1/endpoints", {"url": "http://127.0.0.1:9/hooks"})]


_SEEDS: dict[str, Callable[[], list[Seed]]] = {
    "provider_directory": _provider_directory,
    "registration": _registration,
    "notifications": _notifications,
}
