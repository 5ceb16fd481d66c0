"""Answers of the services to a provider: valid by default; a test states only what matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.console.told import AT, id_, offer, page, taxonomy
from tests.console.world import Browser, World

ORGANIZATION = "f7b25105-8477-583d-98d2-dc4a7cedf302"
SERVICE = "0198d2a4-5f10-7c3e-9a55-0d7c5b1f2a99"
SCOPES = (
    "offers:read",
    "offers:answer",
    "referrals:read",
    "referrals:write",
    "packets:read",
    "deletions:read",
    "deletions:answer",
    "places:read",
    "directory:read",
    "capacity:write",
    "endpoints:read",
    "endpoints:write",
    "deliveries:read",
)


def provider(world: World, *, without: str = "", **more: Any) -> Browser:
    """A browser in which a person of the provider is signed in."""
    return world.client(*(one for one in SCOPES if one != without), organization_id=ORGANIZATION, **more)


def fact(code: str, label: str, form: str, **changes: Any) -> dict[str, Any]:
    limits: dict[str, Any] = {"values": [], "at_least": None, "at_most": None, "met_by": []}
    return {"code": code, "label": label, "form": form, **limits, **changes}


def service(**changes: Any) -> dict[str, Any]:
    """A service as the directory has it."""
    eligibility = {"sexes": [], "nationalities": [], "households": True, "unaccompanied_children": False}
    routing = {
        "provider_service_id": SERVICE,
        "organization_id": ORGANIZATION,
        "version": 1,
        "status": "active",
        "category": "shelter",
        "kinds": [],
        "service_type": "temporary_shelter",
        "restricted": False,
        "place": "GT01",
        "on_site_at": None,
        "catchment": [],
        "eligibility": {**eligibility, "minimum_age": None, "maximum_age": None, "documents_required": []},
        "languages": ["spa"],
        "language_must_match": False,
        "access": [],
        "openings": [],
        "timezone": "America/Guatemala",
        "accepts_automatically": False,
        "max_stay_hours": 72,
    }
    return {
        "id": SERVICE,
        "organization_id": ORGANIZATION,
        "name": "Casa Sample",
        "status": "active",
        "category": "shelter",
        "service_type": "temporary_shelter",
        "languages": ["spa"],
        "version": 1,
        "published": routing,
        "created_at": AT,
        "changed_at": AT,
        **changes,
    }


def tell_names(world: World) -> None:
    """The directory knows the taxonomy, the service and the organisation."""
    world.services.tell("provider_directory", "/v1/taxonomy", taxonomy())
    world.services.tell("provider_directory", "/v1/services", page(service()))
    world.services.tell("provider_directory", "/v1/organizations", page())


def own_offer(**changes: Any) -> dict[str, Any]:
    """An offer to the service of the provider."""
    return offer(organization_id=ORGANIZATION, provider_service_id=SERVICE, **changes)


def tell_offers(world: World, *offers: dict[str, Any]) -> None:
    """The lists of offers, by the state that is asked for. The most urgent ones are those that wait, as they are told
    here: the service has the order."""
    waiting = [one for one in offers if one["status"] in ("pending", "acknowledged")]

    def listed(asked: Any) -> Any:
        states, services = asked.query.get("status"), asked.query.get("referral_status")
        if asked.query.get("order") == ["most_urgent"]:
            most = int(asked.query["limit"][0])
            return page(*waiting[:most], next="more" if len(waiting) > most else None)
        return page(
            *(
                one
                for one in offers
                if (states is None or one["status"] in states)
                and (services is None or one["referral_status"] in services)
            )
        )

    world.services.tell("referral", "/v1/offers", listed)
    world.services.tell("referral", "/v1/offers/counts", {"waiting": {"count": len(waiting), "more": False}})
    for one in offers:
        world.services.tell("referral", f"/v1/offers/{one['id']}", one)
        world.services.tell("referral", f"/v1/offers/{one['id']}/timeline", page())
    world.services.tell("registration", "/v1/deletion-requests", page())


__all__ = ["AT", "ORGANIZATION", "SERVICE", "id_", "page"]


def soon(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def accepted(**changes: Any) -> dict[str, Any]:
    return own_offer(**{"status": "accepted", "referral_status": "accepted", "ended_at": AT, **changes})


def positions(text: str, *parts: str) -> list[int]:
    found = [text.find(one) for one in parts]
    assert -1 not in found, [one for one, at in zip(parts, found, strict=True) if at < 0]
    return found
