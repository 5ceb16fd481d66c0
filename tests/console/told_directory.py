"""Answers of the directory: valid by default; a test states only what matters."""

from __future__ import annotations

from typing import Any

from tests.console.told import AT, page, taxonomy
from tests.console.told_provider import ORGANIZATION, SERVICE, service
from tests.console.world import Browser, World

LOCATION = "0198d2a4-5f10-7c3e-9a55-0d7c5b1f2a55"
READER = ("directory:read",)
STEWARD = ("directory:read", "directory:write", "directory:admin", "capacity:write", "places:read", "restricted:read")
OWN = ("directory:read", "directory:write")
DIRECTORY = "provider_directory"


def steward(world: World, *, without: str = "") -> Browser:
    """A browser of the office that keeps the directory."""
    return world.client(*(one for one in STEWARD if one != without), staff=True)


def organization(**changes: Any) -> dict[str, Any]:
    return {
        "id": ORGANIZATION,
        "name": "Red de Ejemplo",
        "description": "Sample data",
        "alternate_name": None,
        "website": None,
        "organization_type": "church",
        "status": "active",
        "acts_for": None,
        "version": 3,
        "accreditations": [{"category": "shelter", "valid_until": "2020-01-31"}],
        "agreements": [{"category": "shelter", "valid_until": "2099-12-31"}],
        "created_at": AT,
        "changed_at": AT,
        **changes,
    }


def openings(*hours: tuple[int, int, int]) -> list[dict[str, int]]:
    return [{"weekday": day, "opens_minute": opens, "closes_minute": closes} for day, opens, closes in hours]


def listed(**changes: Any) -> dict[str, Any]:
    """A whole service as the directory shows it."""
    row = service(version=4)
    limits = {**row["published"]["eligibility"], "maximum_age": 59}
    week = openings(*((day, 480, 960) for day in range(1, 6)))
    return {
        **row,
        "location_id": None,
        "description": "Beds and meals",
        "kinds": [{"kind": "bed", "scope": [{"detail": "floor", "values": ["ground"]}]}],
        "restricted": False,
        "place": "GT01",
        "on_site_at": None,
        "catchment": ["GT09", "GT1301"],
        "eligibility": limits,
        "language_must_match": False,
        "access": ["wheelchair"],
        "openings": week,
        "timezone": "America/Guatemala",
        "accepts_automatically": False,
        "max_stay_hours": 72,
        "address": {"address_1": "0 Calle 1-23", "city": "Guatemala", "country": "GT"}
        | dict.fromkeys(("address_2", "region", "state_province", "postal_code")),
        "address_hidden": False,
        "published": {**row["published"], "version": 4, "openings": week, "eligibility": limits, "catchment": ["GT09"]},
        **changes,
    }


def location(**changes: Any) -> dict[str, Any]:
    return {
        "id": LOCATION,
        "organization_id": ORGANIZATION,
        "location_type": "physical",
        "name": "Casa Central",
        "description": "",
        "place": "GT0901",
        "on_site_at": None,
        "timezone": "America/Guatemala",
        "access": ["wheelchair"],
        "openings": openings((1, 480, 720)),
        "address": None,
        "address_hidden": False,
        "latitude": 14.8,
        "longitude": -91.5,
        "version": 2,
        "created_at": AT,
        "changed_at": AT,
        **changes,
    }


def hit(**changes: Any) -> dict[str, Any]:
    reasons = ["category", "serves_place", "language", "open_then", "sex", "age", "household"]
    found = {"service": listed(), "organization_name": "Red de Ejemplo", "available": 7, "as_of": AT}
    return {**found, "matches": reasons, **changes}


def tell_directory(world: World, **changes: Any) -> None:
    """The directory knows one organisation with one service and one location."""
    tell = world.services.tell
    row = listed(**changes)
    tell(DIRECTORY, "/v1/taxonomy", taxonomy(documents=[{"code": "passport", "label": "Passport"}]))
    tell(DIRECTORY, "/v1/organizations", page(organization()))
    tell(DIRECTORY, f"/v1/organizations/{ORGANIZATION}", organization())
    tell(DIRECTORY, "/v1/services", page(row))
    tell(DIRECTORY, f"/v1/services/{SERVICE}", row)
    tell(DIRECTORY, "/v1/locations", page(location()))
    tell(DIRECTORY, f"/v1/locations/{LOCATION}", location())
    tell(DIRECTORY, "/v1/services/search", page(hit()), method="POST")
