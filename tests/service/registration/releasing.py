"""Callers and bodies for releases of children."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NAMES = {"given_names": "Muestra Uno", "family_names": "Ejemplo Menor"}
CHILD = NAMES | {"birth_date": "2015-05-17"}
ADULT = NAMES | {"birth_date": "1990-05-17"}
MARK = "Muestra Abuela"
AT_DESK = "child-releases:read child-releases:write returnees:read"
DESK: dict[str, Any] = {"scopes": AT_DESK, "client_id": "desk-one", "desks": ["pgn-child-desk"], "reception_places": []}
OTHER = DESK | {"client_id": "desk-two"}
AUTHORITY: dict[str, Any] = {
    "scopes": "child-releases:read child-releases:sign-off", "client_id": "pgn-child-authority", "reception_places": [],
}  # fmt: skip
HEARD = {
    "wish": "wants_to_go", "heard_by": "psychologist-2", "heard_at": "2026-03-02T15:00:00Z", "language": "quc",
    "words": f"Wants to live with {MARK} (sample)",
}  # fmt: skip
VERIFIED = {"verified": ["home_visit", "birth_certificate"], "verified_at": "2026-03-03T15:00:00Z"}
SIGNED = {"reference": f"{MARK} 0142"}


def a_release(child: dict[str, Any], **changes: Any) -> dict[str, Any]:
    relative = {"given_names": MARK, "family_names": "Ejemplo Mayor", "document_number": "1987654320101"}
    return {"returnee_id": child["id"], "relation": "grandparent", "relative": relative} | changes


def a_handover(**changes: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"handed_over_at": at, "relative_shown_by": "document_seen", "place": "GT1401"} | changes


async def begun(registration: Any, child: dict[str, Any]) -> dict[str, Any]:
    answer = await registration.post("/v1/child-releases", a_release(child), **DESK)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def step(registration: Any, release: dict[str, Any], name: str, body: Any, *, version: int = 0, **claims: Any):
    """One step on the newest version, or on this one."""
    path = f"/v1/child-releases/{release['id']}"
    if not version:
        (row,) = await registration.fetch("SELECT version FROM child_release WHERE id = $1::text::uuid", release["id"])
        version = row["version"]
    headers = registration.headers(**(claims or DESK)) | {"If-Match": f'"{version}"'}
    return await registration.client.post(f"{path}/{name}", json=body, headers=headers)


STEPS: list[tuple[str, Any, dict[str, Any]]] = [
    ("child-view", HEARD, DESK), ("verification", VERIFIED, OTHER), ("sign-off", SIGNED, AUTHORITY),
]  # fmt: skip


async def ready(registration: Any, child: dict[str, Any], *, without: str = "") -> dict[str, Any]:
    """A release with every step before the handover, or without one of them and those that need it."""
    release = await begun(registration, child)
    for name, body, claims in STEPS:
        if name == without:
            continue
        answer = await step(registration, release, name, body, **claims)
        assert answer.status_code == 200 or without, answer.text
    return release
