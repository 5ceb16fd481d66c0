"""Rows of registration for tests of the reception's pages."""

from typing import Any

from tests.console.world import Browser, World

PERSON = "01956b0e-5b2c-7c3e-9d41-0c7f5a1b2c3d"
OTHER = "01956b0e-5b2d-7a11-8f00-2d3e4f5a6b7c"
BATCH = "01956b0e-0000-7a11-8f00-000000000001"
ENTRY = "01956b0e-0000-7a11-8f00-000000000002"
NEED = "01956b0e-0000-7a11-8f00-000000000003"
CONSENT = "01956b0e-0000-7a11-8f00-000000000004"
HOUSEHOLD = "01956b0e-0000-7a11-8f00-000000000005"
DOUBT = "01956b0e-0000-7a11-8f00-000000000006"
CODE = "GT-7K3M-9QXC"
CLERK = (
    "arrivals:write", "arrivals:read", "returnees:write", "returnees:read", "consents:write", "directory:read",
)  # fmt: skip
INTAKE_DESK = (
    "arrivals:read",
    "returnees:read",
    "returnees:write",
    "consents:write",
    "intake:decide",
    "directory:read",
)
KEY = "6f4f2b6e-0d5e-4c55-9a38-2f6d2f0a1c11"


def clerk(world: World, **more: Any) -> Browser:
    """A browser of a clerk of one reception place."""
    return world.client(*CLERK, reception_places=("GT01",), **more)


def batch(**more: Any) -> dict[str, Any]:
    """A flight that has landed and whose intake is open."""
    return {
        "id": BATCH,
        "sender_reference": "flight-1",
        "status": "landed",
        "mode": "flight",
        "carrier": "Sample Air 101",
        "origin": "Sample City",
        "reception_place": "GT01",
        "expected_at": "2026-03-02T14:00:00Z",
        "landed_at": "2026-03-02T14:20:00Z",
        "people_count": 3,
        "entries_count": 3,
        "registered_count": 1,
        "absent_count": 0,
        "open_count": 2,
        "open_wristbands": 0,
        "intake_completed_at": None,
        "cancelled_at": None,
        "cancelled_because": None,
        "diverted_from": None,
        "created_at": "2026-03-01T09:00:00Z",
        **more,
    }


def entry(**more: Any) -> dict[str, Any]:
    """A person on the list who was not met yet."""
    return {
        "id": ENTRY,
        "status": "expected",
        "returnee_id": None,
        "sender_reference": "seat-7",
        "given_names": "José Andrés",
        "family_names": "Muñoz Xol",
        "birth_date": "1990-05-17",
        "sex": "male",
        "nationality": "HN",
        "absent_because": None,
        **more,
    }


def registered(**more: Any) -> dict[str, Any]:
    """What registration answers to a registration."""
    profile = {
        "age_band": "25_34",
        "age_group": "adult",
        "age_basis": None,
        "client_kind": "returnee",
        "sex": "female",
        "nationality": "GT",
        "identity_document": "lost_on_route",
        "documents_held": ["birth_certificate"],
        "languages": ["quc", "spa"],
        "destination": "GT09",
        "access_needs": ["wheelchair"],
        "protection_flags": [],
        "avoid_places": ["GT1217"],
        "avoid_organizations": [],
        "avoid_countries": [],
    }
    return {
        "id": PERSON,
        "case_code": CODE,
        "version": 4,
        "arrival_batch_id": BATCH,
        "reception_place": "GT01",
        "household_id": None,
        "merged": False,
        "arrived_at": "2026-03-02T14:20:00Z",
        "registered_at": "2026-03-02T14:30:00Z",
        "return_facts": {"kind": None, "order": None, "mode": None, "signs": []},
        **more,
        "profile": {**profile, **more.get("profile", {})},
    }


def person(**more: Any) -> dict[str, Any]:
    """The same person with identity."""
    identity = {
        "given_names": "Marta Ixchel",
        "family_names": "Canario Tuj",
        "birth_date": "1995-01-31",
        "document_number": None,
    }
    return {**registered(**more), "identity": identity, "sender_reference": "arrival-1"}


def need(**more: Any) -> dict[str, Any]:
    """An open need."""
    return {
        "id": NEED,
        "returnee_id": PERSON,
        "household_id": None,
        "category": "health",
        "kind": None,
        "detail_values": [],
        "urgency": "urgent",
        "people_count": 1,
        "after_need_id": None,
        "status": "reported",
        "reported_at": "2026-03-02T14:40:00Z",
        "withdrawn_at": None,
        "second_reason": None,
        "origins": [],
        "told_again": False,
        **more,
    }


def consent(**more: Any) -> dict[str, Any]:
    """A valid consent."""
    return {
        "id": CONSENT,
        "discloser": "the reception",
        "purpose": "referral",
        "recipient_class": "providers",
        "data_described": "Lo que se leyó.",
        "given_by": "self",
        "method": "voice",
        "language": "spa",
        "staff_reference": "desk-1",
        "revocation_explained": True,
        "given_at": "2026-03-02T14:45:00Z",
        "expires_at": "2027-03-02T14:45:00Z",
        "recorded_at": "2026-03-02T14:45:00Z",
        "withdrawn_at": None,
        "standing": True,
        **more,
    }


def page(*rows: Any, after: str | None = None) -> dict[str, Any]:
    """One page of a list."""
    return {"items": list(rows), "next": after}


def _kind(code: str, label: str, details: list[str]) -> dict[str, Any]:
    return {
        "code": code,
        "label": label,
        "definition": label,
        "dimension": "social",
        "level": "individual",
        "basic": True,
        "open_eligibility": None,
        "category": "health",
        "unit": "item",
        "details": details,
        "completion": [],
        "yields": [],
        "requires": [],
        "instead_of": [],
        "deprecated_by": None,
    }


def _question(code: str, label: str, form: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "label": label, "form": form, "values": [], "at_least": None, "at_most": None, **more}


TAXONOMY: dict[str, Any] = {
    "country": "GT",
    "version": "t-1",
    "language": "en",
    "languages": ["es", "en"],
    "categories": [
        {
            "code": "health",
            "label": "Health",
            "definition": "Health",
            "dimension": "social",
            "level": "individual",
            "basic": True,
            "open_eligibility": None,
        }
    ],
    "kinds": [
        _kind("prosthesis", "Prosthesis", ["limb", "pieces", "urgent_fit", "spoken"]),
        _kind("check", "Check", []),
    ],
    "documents": [
        {"code": "birth_certificate", "label": "Birth certificate"},
        {"code": "passport", "label": "Passport"},
    ],
    "details": [
        _question("limb", "Limb", "choice", values=[{"code": "leg", "label": "Leg"}]),
        _question("pieces", "Pieces", "number", at_least=1, at_most=4),
        _question("urgent_fit", "Old one broken", "yes_no"),
        _question("spoken", "Spoken", "languages"),
    ],
    "facts": [],
}


def tell_person(world: World, **more: Any) -> None:
    """Make registration and the directory answer about the person."""
    tell = world.services.tell
    tell("registration", f"/v1/returnees/{PERSON}", person(**more))
    tell("registration", f"/v1/returnees/{PERSON}/needs", page(need()))
    tell("registration", f"/v1/returnees/{PERSON}/consents", [consent()])
    tell("registration", f"/v1/returnees/{PERSON}/safe-contact/state", {"state": "missing", "expires_at": None})
    tell("registration", f"/v1/returnees/{PERSON}/excluded-people", [])
    tell("provider_directory", "/v1/taxonomy", TAXONOMY)


def tell_batch(world: World, *entries: dict[str, Any], **more: Any) -> None:
    """Make registration answer about one flight and its list."""
    world.services.tell("registration", f"/v1/arrival-batches/{BATCH}", batch(**more))
    world.services.tell("registration", f"/v1/arrival-batches/{BATCH}/entries", page(*entries))
