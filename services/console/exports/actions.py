"""Asks for an export, and decides about one as the second person."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.console.calls import Service
from services.console.exports import rules
from services.console.exports.queries import PATH
from services.console.forms import Form

DECISIONS: Final = ("approve", "reject")
POINTERS: Final = {
    "/purpose": "purpose",
    "/arrived_from": "arrived_from",
    "/arrived_until": "arrived_until",
    "/reception_places": "places",
    "/recipient/recipient_class": "recipient_class",
    "/recipient": "organization_id",
    "/reason": "reason",
    "/fields": "fields",
}


async def ask(form: Form, kind: str) -> str:
    """Ask for an export; its id. An identified one waits for a second person."""
    answer = await form.person.calls.send("POST", Service.REGISTRATION, PATH, rules.body_of(form, kind), key=form.key)
    return str(answer.body["id"])


async def decide(form: Form, export_id: UUID, decision: str) -> None:
    """Approve or reject it, as it was read."""
    path = f"{PATH}/{export_id}/{decision}"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key, etag=form.text("version"))
