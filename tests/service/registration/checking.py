"""Callers and answers for checks of who a person is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from services.registration.identity_checks.rules import MONTHS

IDENTITY = {"given_names": "Muestra Uno", "family_names": "Ejemplo Llamada", "birth_date": "1990-05-17"}
ARRIVED_AT = (datetime.now(UTC) - timedelta(days=30)).replace(hour=15, minute=0, second=0, microsecond=0)
"""At nine in the morning in Guatemala."""
RIGHT = {
    "birth_month": "May",
    "birth_day": "17",
    "arrival_day": f"{ARRIVED_AT.day} {MONTHS[ARRIVED_AT.month - 1][1]}",
    "arrival_time": "in the morning",
    "return_mode": "by plane",
    "household_size": "3",
    "document": "that you lost it on the way",
    "language": "Mam",
}
SCOPES = "identity-checks:write access-reports:read returnees:write returnees:read"
AT_CHILD_DESK: dict[str, Any] = {
    "scopes": SCOPES, "client_id": "child-desk-one", "desks": ["pgn-child-desk"], "reception_places": [],
}  # fmt: skip


def a_clerk(**changes: Any) -> dict[str, Any]:
    """A caller that nobody else is, at one centre."""
    own = {"scopes": SCOPES, "client_id": f"clerk-{uuid4()}", "reception_places": ["GT01"], "staff": False}
    return own | changes


def an_adult(**changes: Any) -> dict[str, Any]:
    """What is told of a person of whom enough is known."""
    profile = {
        "nationality": "GT", "identity_document": "lost_on_route", "languages": ["spa", "mam"], "destination": "GT12",
    }  # fmt: skip
    told = {
        "arrived_at": ARRIVED_AT.isoformat(), "identity": IDENTITY, "profile": profile,
        "return_facts": {"mode": "air"}, "household_reference": f"family-{uuid4()}", "household_size": 3,
    }  # fmt: skip
    return told | changes


def make(registration: Any, person: dict[str, Any], **claims: Any) -> Any:
    return registration.post(f"/v1/returnees/{person['id']}/identity-checks", {"language": "en"}, **claims)


async def made(registration: Any, person: dict[str, Any], **claims: Any) -> dict[str, Any]:
    answer: httpx.Response = await make(registration, person, **claims)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def answers_to(check: dict[str, Any], *, wrong: int = 0) -> list[int]:
    """The right answers, but for this many at the beginning."""
    found = []
    for place, question in enumerate(check["questions"]):
        texts = [option["text"] for option in question["options"]]
        right = texts.index(RIGHT[question["kind"]]) + 1
        found.append(right % len(texts) + 1 if place < wrong else right)
    return found


def answer(registration: Any, check: dict[str, Any], answers: Any, **claims: Any) -> Any:
    return registration.post(f"/v1/identity-checks/{check['id']}/answers", {"answers": answers}, **claims)


async def proven(registration: Any, person: dict[str, Any], **claims: Any) -> dict[str, Any]:
    """A check that is proven."""
    check = await made(registration, person, **claims)
    judged = await answer(registration, check, answers_to(check), **claims)
    assert judged.json()["proven"], judged.text
    return check


async def row_of(registration: Any, check: dict[str, Any]) -> Any:
    (row,) = await registration.fetch("SELECT * FROM identity_check WHERE id = $1", UUID(check["id"]))
    return row
