"""Answers of the services for tests: valid by default; a test states only what matters."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

AT = "2026-11-28T05:00:00Z"


def id_() -> str:
    return str(uuid4())


def page(*items: Any, next: str | None = None) -> dict[str, Any]:
    return {"items": list(items), "next": next}


def count(found: int = 0) -> dict[str, Any]:
    return {"count": found, "more": False}


_TERM = {"definition": "", "dimension": "social", "level": "individual", "basic": True, "open_eligibility": None}


def category(code: str, label: str, **changes: Any) -> dict[str, Any]:
    return {"code": code, "label": label, **_TERM, **changes}


def kind(code: str, label: str, category: str, **changes: Any) -> dict[str, Any]:
    lists: dict[str, Any] = {name: [] for name in ("details", "completion", "yields", "requires", "instead_of")}
    more = {"category": category, "unit": "night", "deprecated_by": None}
    return {"code": code, "label": label, **_TERM, **lists, **more, **changes}


def taxonomy(**changes: Any) -> dict[str, Any]:
    categories = [category("shelter", "Shelter"), category("health", "Health"), category("gbv", "Violence")]
    kinds = [kind("bed", "A bed", "shelter"), kind("consultation", "Doctor", "health")]
    about = {"country": "GT", "version": "test", "language": "en", "languages": ["es", "en"]}
    lists: dict[str, Any] = {"documents": [], "details": [], "facts": []}
    return {**about, "categories": categories, "kinds": kinds, **lists, **changes}


def batch(**changes: Any) -> dict[str, Any]:
    return {
        "batch_id": id_(),
        "mode": "flight",
        "carrier": "Sample Air 101",
        "origin": "TX",
        "reception_place": "GT01",
        "expected_at": AT,
        "landed_at": AT,
        "status": "landed",
        "people_count": 135,
        "announced": 135,
        "registered": 100,
        "absent": 2,
        "returned_again": 0,
        "not_yet_met": 33,
        "intake_completed_at": None,
        **changes,
    }


def batch_needs(batch_id: str, **changes: Any) -> dict[str, Any]:
    classes = ("seeking", "offered", "accepted", "in_service", "met", "refused", "closed", "waitlisted", "blocked")
    return {
        "batch_id": batch_id,
        "people": 100,
        "needs": 200,
        "people_without_offer": 0,
        **dict.fromkeys((*classes, "awaiting_review", "owned_by_desk"), 0),
        **changes,
    }


def need(**changes: Any) -> dict[str, Any]:
    return {
        "id": id_(),
        "returnee_id": id_(),
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "stage": 2,
        "kind": "bed",
        "detail_values": [],
        "urgency": "urgent",
        "people_count": 1,
        "status": "open",
        "reported_at": AT,
        "ended_at": None,
        "end_reason": None,
        "owner": None,
        "owner_reason": None,
        "owned_since": None,
        "owner_level": 0,
        "owner_seen_at": None,
        "owner_due_at": None,
        "owner_overdue_since": None,
        "after_need_id": None,
        **changes,
    }


def referral(**changes: Any) -> dict[str, Any]:
    return {
        "id": id_(),
        "need_id": id_(),
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "stage": 2,
        "kind": "bed",
        "urgency": "urgent",
        "people_count": 1,
        "status": "offered",
        "opened_at": AT,
        "waiting_since": AT,
        "halted_since": None,
        "ended_at": None,
        "end_reason": None,
        "outcome": None,
        "outcome_facts": None,
        "offer_id": None,
        "organization_id": None,
        "provider_service_id": None,
        "offered_kind": None,
        "service_type": None,
        "waitlist": None,
        **changes,
    }


def offer(**changes: Any) -> dict[str, Any]:
    return {
        "id": id_(),
        "referral_id": id_(),
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "kind": "bed",
        "detail_values": [],
        "offered_kind": "bed",
        "service_type": "temporary_shelter",
        "urgency": "urgent",
        "people_count": 1,
        "provider_service_id": id_(),
        "organization_id": id_(),
        "status": "pending",
        "made_at": AT,
        "answer_by": "2099-01-01T00:00:00Z",
        "acknowledge_by": None,
        "acknowledged_at": None,
        "ended_at": None,
        "reason": None,
        "halted_since": None,
        "referral_status": None,
        **changes,
    }


def step(step: str, led_to: str, **changes: Any) -> dict[str, Any]:
    return {
        "at": AT,
        "step": step,
        "led_to": led_to,
        "actor": "network",
        "reason": None,
        "need_id": id_(),
        "referral_id": None,
        "offer_id": None,
        **changes,
    }


def entry(step: str, led_to: str, **changes: Any) -> dict[str, Any]:
    return {
        "number": 1,
        "at": AT,
        "step": step,
        "led_to": led_to,
        "reason": None,
        "by": "network",
        "actor": None,
        "category": "shelter",
        "need_id": id_(),
        "referral_id": None,
        "offer_id": None,
        **changes,
    }


def explanation(offer_id: str, **changes: Any) -> dict[str, Any]:
    return {"offer_id": offer_id, "policy": "1", "ring": 0, "ranked": [], "excluded": [], "kind": None, **changes} | {
        "of_other_kinds": 0
    }


def journey(**changes: Any) -> dict[str, Any]:
    return {
        "returnee_id": id_(),
        "case_code": "GT-7K3M-9QXC",
        "journey_ended_at": None,
        "journey_end_reason": None,
        "needs": [],
        "referrals": [],
        "offers": [],
        "steps": [],
        "trace_id": None,
        **changes,
    }


def pool(**changes: Any) -> dict[str, Any]:
    return {
        "pool_id": id_(),
        "provider_service_id": id_(),
        "organization_id": id_(),
        "category": "shelter",
        "kind": "adult_beds",
        "maximum": 10,
        "available": 5,
        "as_of": AT,
        "held": 1,
        "taken": 2,
        "taken_uncounted": 0,
        "free": 4,
        "closed": False,
        "over_committed": False,
        "starts_on": None,
        "ends_on": None,
        **changes,
    }
