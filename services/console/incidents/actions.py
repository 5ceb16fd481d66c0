"""Records an incident and what was done, and closes it."""

from __future__ import annotations

from typing import Final

from services.console.calls import Service
from services.console.forms import Form
from services.console.incidents import rules
from services.console.incidents.queries import PATH, Incident

POINTERS: Final = {
    f"/{name}": name
    for name in ("kind", "client_id", "who", "organization_id", "began_at", "ended_at", "known_at", "measures")
}


async def record(form: Form) -> str:
    """Record an incident; its id."""
    answer = await form.person.calls.send("POST", Service.REGISTRATION, PATH, rules.body_of(form), key=form.key)
    return str(answer.body["id"])


async def tell(form: Form, incident: Incident, *, closes: bool) -> None:
    """Record what was done, and which duties do not exist in this case; or close the incident with it."""
    reasons = rules.reasons_of(form, incident.open_duties)
    body = {"measures": form.all("measures"), "not_required": reasons}
    path = f"{PATH}/{incident.row['id']}/{'close' if closes else 'measures'}"
    await form.person.calls.send("POST", Service.REGISTRATION, path, body, key=form.key, etag=form.text("version"))
