"""Closes doubtful parts and decides about households."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.console.calls import Service
from services.console.forms import Form

POINTERS: Final = {"/closing": "closing", "/reason": "reason"}


async def close(form: Form, part_id: UUID) -> None:
    """Record what was done about a part."""
    body = {name: form.text(name) for name in ("closing", "reason") if form.text(name)}
    path = f"/v1/doubtful-parts/{part_id}/close"
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key)


async def decide(form: Form, claim_id: UUID) -> None:
    """Record whether a person belongs to a household."""
    path = f"/v1/household-claims/{claim_id}/decide"
    body: dict[str, object] = {"decision": form.text("decision")}
    if form.ticked("namesakes_confirmed"):
        body["namesakes_confirmed"] = True
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key)
