"""The provider's answer to a request to delete data."""

from __future__ import annotations

from services.console.calls import Service
from services.console.forms import Form


async def answer_deletion(form: Form, offer_id: str) -> None:
    """Say what was done with the data of a packet."""
    body = {name: form.text(name) for name in ("answer", "ground", "case_code") if form.text(name)}
    path = f"/v1/packets/{offer_id}/deletion"
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key)
