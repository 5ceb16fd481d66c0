"""What the services tell about the work of a desk, and how a page of it is read."""

import re
from typing import Any
from uuid import UUID

import httpx

from services.console.work.rules import LISTS
from tests.console import told
from tests.console.world import Browser, World

DESK = "igm-shelter-desk"
OTHER = "network-steward-desk"
SCOPES = (
    "work-lists:read",
    "referrals:read",
    "referrals:write",
    "needs:write",
    "reviews:decide",
    "ages:decide",
    "directory:read",
)
NEED, RETURNEE, REFERRAL, REVIEW, OTHER_NEED, SERVICE, ORGANIZATION = (str(UUID(int=n)) for n in range(1, 8))
AT, SOON = "2026-11-30T10:00:00Z", "2126-11-30T18:00:00Z"
ONE = {"count": 1, "more": False}


def item(**more: Any) -> dict[str, Any]:
    return {
        "need_id": NEED,
        "returnee_id": RETURNEE,
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "stage": 2,
        "kind": None,
        "urgency": "urgent",
        "people_count": 3,
        "area": "GT09",
        "arrival_batch_id": None,
        "status": "open",
        "reported_at": AT,
        "owner": DESK,
        "owner_reason": "candidates_spent",
        "owned_since": AT,
        "owner_due_at": SOON,
        "ended_at": None,
        "end_reason": None,
        "referral_id": REFERRAL,
        "referral_status": "seeking",
        "waits_on": "router",
        "organization_id": None,
        "provider_service_id": None,
        "due_at": None,
        "due": None,
        **more,
    }


def need(**more: Any) -> dict[str, Any]:
    owned = {"owner": DESK, "owner_reason": "candidates_spent", "owned_since": AT, "owner_due_at": SOON}
    return told.need(
        **{"id": NEED, "returnee_id": RETURNEE, "kind": None, "people_count": 3, "reported_at": AT, **owned, **more}
    )


def referral(**more: Any) -> dict[str, Any]:
    about = {"id": REFERRAL, "need_id": NEED, "kind": None, "people_count": 3, "status": "seeking"}
    return told.referral(**{**about, "opened_at": AT, "waiting_since": AT, **more})


def review(**more: Any) -> dict[str, Any]:
    return {
        "id": REVIEW,
        "referral_id": REFERRAL,
        "need_id": NEED,
        "returnee_id": RETURNEE,
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "kind": None,
        "urgency": "urgent",
        "owner": DESK,
        "due_at": SOON,
        "promise": None,
        "subject_id": None,
        "reason": "policy",
        "desk": DESK,
        "status": "pending",
        "requested_at": AT,
        "decided_at": None,
        "decided_by": None,
        "age_of": None,
        "age_group": None,
        "age_basis": None,
        **more,
    }


def stay(**more: Any) -> dict[str, Any]:
    items = ("family_reached", "money", "transport", "next_address", "documents")
    return {
        "referral_id": REFERRAL,
        "offer_id": OTHER_NEED,
        "case_code": "GT-7K3M-9QXC",
        "category": "shelter",
        "provider_service_id": SERVICE,
        "people_count": 3,
        "started_at": AT,
        "ends_at": SOON,
        "extended_hours": 0,
        "ended_at": None,
        "next_step": "unknown",
        "items": {item: {"status": "open", "at": None, "by": None} for item in items},
        "planned": False,
        "version": 4,
        **more,
    }


def stay_row() -> dict[str, Any]:
    return {
        **{name: stay()[name] for name in ("referral_id", "case_code", "category", "provider_service_id")},
        **{name: stay()[name] for name in ("people_count", "started_at", "ends_at", "ended_at", "next_step")},
        "need_id": NEED,
        "returnee_id": RETURNEE,
        "organization_id": ORGANIZATION,
        "leaves_at": SOON,
        "open_items": ["money"],
        "desk": DESK,
        "over": True,
    }


def search_row() -> dict[str, Any]:
    return {
        **{name: item()[name] for name in ("referral_id", "need_id", "returnee_id", "case_code", "category")},
        "urgency": "emergency",
        "owner": DESK,
        "searching_since": AT,
        "next_attempt_at": SOON,
        "attempt_count": 2,
        "missed_count": 1,
        "last_channel": "call",
        "last_result": "not_found",
    }


def queue_row() -> dict[str, Any]:
    return {
        "position": 1,
        "queued_at": AT,
        "expected_wait_seconds": 7200,
        "pools": [],
        "kept_until": None,
        "referral_id": REFERRAL,
        "need_id": NEED,
        "returnee_id": RETURNEE,
        "case_code": "GT-7K3M-9QXC",
        "owner": DESK,
        "due_at": SOON,
        "category": "shelter",
        "kind": None,
        "urgency_rank": 0,
        "people_count": 2,
        "waiting_since": AT,
        "provider_service_ids": [SERVICE],
    }


PARTIES = ("provider", "desk", "prerequisite", "router", "waitlist")


def tell_lists(world: World, rows: dict[str, Any] | None = None) -> None:
    tell = world.services.tell
    counts = dict.fromkeys(("mine", "due", "overdue", "escalations", "halted", "unmet"), ONE)
    tell("referral", "/v1/work-lists/counts", counts | {"waiting": dict.fromkeys(PARTIES, ONE)})
    tell("referral", "/v1/reviews/count", {"count": 1000, "more": True})
    tell("referral", "/v1/waitlists/count", ONE)
    stays = {"running": 5, "over": 1, "exits_today": 7, "leaving_without_next_step": 8}
    tell("referral", "/v1/work-lists/stay-counts", stays)
    desks = [
        {"desk": DESK, "name": "Migration institute, shelter", "stages": [2], "categories": ["shelter"], "mine": True},
        {"desk": OTHER, "name": "Steward of the network", "stages": [], "categories": [], "mine": False},
    ]
    tell("referral", "/v1/desks", {"desks": desks})
    stage = {"stage": 2, "name": "Urgent needs", "services": [], "categories": ["shelter"], "leads": []}
    tell("referral", "/v1/stages", {"country": "GT", "sample": True, "stages": [stage], "flow_charts": {}})
    for one in LISTS.values():
        tell("referral", one.path, {"items": (rows or {}).get(one.name, []), "next": None})
    for name in ("summary", "kinds"):
        tell("referral", f"/v1/work-lists/unmet/{name}", {"items": (rows or {}).get(name, []), "next": None})


def tell_need(world: World, *, told: dict[str, Any] | None = None, referrals: Any = None, **more: Any) -> None:
    tell_lists(world)
    told = told or need()
    world.services.tell("referral", f"/v1/needs/{NEED}", told)
    journey = {
        "returnee_id": RETURNEE,
        "case_code": "GT-7K3M-9QXC",
        "journey_ended_at": None,
        "journey_end_reason": None,
        "needs": [told, need(id=OTHER_NEED, category="documentation")],
        "referrals": [referral()] if referrals is None else referrals,
        "offers": [],
        "steps": [],
        "trace_id": None,
        **more,
    }
    world.services.tell("referral", f"/v1/returnees/{RETURNEE}/journey", journey)
    world.services.tell("referral", f"/v1/referrals/{REFERRAL}/search-attempts", {"items": [], "next": None})


def desk(world: World, *without: str) -> Browser:
    scopes = [scope for scope in SCOPES if scope not in without]
    return world.client(*scopes, staff=True, desks=(DESK,))


def words_of(page: httpx.Response) -> str:
    """The text of a page as a person reads it."""
    text = re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", page.text, flags=re.S)
    return re.sub(r"\s+", " ", text)


def no_mishap(page: httpx.Response, status: int = 200) -> None:
    assert page.status_code == status, words_of(page)
    ids = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)
    assert "not known here" not in page.text
    for uuid in re.findall(r"[0-9a-f]{8}-0000-0000-0000-[0-9a-f]{12}", words_of(page)):
        raise AssertionError(f"{uuid} is shown to people")
