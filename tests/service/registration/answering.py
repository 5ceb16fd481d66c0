"""How tests answer instruments."""

from __future__ import annotations

from typing import Any

from services.registration.answers.actions import judge_due

CLERK = {"client_id": "clerk", "scopes": "returnees:read returnees:write access-log:read"}
DESK = {"client_id": "desk", "scopes": "returnees:read returnees:write access-log:read restricted:read"}
TRIAGE = {
    "unwell_now": "no",
    "place_tonight": "own",
    "way_home": "yes",
    "call_family": "no",
    "papers_in_hand": "yes",
}
"""A person who needs nothing now."""
TROUBLED = TRIAGE | {"unwell_now": "yes", "place_tonight": "none", "call_family": "yes"}
"""A person with three needs."""
CALM = {
    "own_papers_held": "no",
    "awaited_by_stranger": "no",
    "free_to_choose": "yes",
    "afraid_of_somebody": "no",
    "others_speak_for": "no",
}


def path(person: dict[str, Any], instrument: str = "triage") -> str:
    return f"/v1/returnees/{person['id']}/answers/{instrument}"


def body_of(answers: dict[str, Any], *, version: int = 1, replaces: int = 0) -> dict[str, Any]:
    told = [{"question": one, "value": value, "replaces": replaces} for one, value in answers.items()]
    return {"instrument_version": version, "answers": told}


async def save(registration, person, instrument="triage", *, version=1, replaces=0, claims=None, **answers):
    """Save answers and give the response."""
    body = body_of(answers, version=version, replaces=replaces)
    return await registration.client.patch(
        path(person, instrument), json=body, headers=registration.headers(**(claims or CLERK))
    )


async def complete(registration, person, instrument="triage", **claims):
    return await registration.post(f"{path(person, instrument)}/complete", **(CLERK | claims))


async def needs_of(registration, person, **claims):
    answer = await registration.get(f"/v1/returnees/{person['id']}/needs", **(CLERK | claims))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def judge(registration, *, limit=1000):
    """One round of the loop."""
    async with registration.database.transaction() as session:
        return await judge_due(session, pack=registration.pack, vault=registration.vault, limit=limit)
