"""Records and withdraws consents."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from services.console.calls import Service
from services.console.consents import queries, rules
from services.console.forms import Form
from services.console.intake.queries import path_of

POINTERS: Final = {
    "/purpose": "purpose",
    "/recipient_class": "purpose",
    "/recipient_organization_id": "organization",
    "/recipient_name": "organization",
    "/data_described": "purpose",
    "/given_by": "given_by",
    "/method": "method",
    "/witness_reference": "witness",
    "/language": "language",
    "/expires_at": "months",
    "/revocation_explained": "revocation_explained",
}


async def give(form: Form, returnee_id: UUID) -> None:
    """Record a consent. The time when it was given is in the form, so that a repetition tells exactly the same."""
    purpose, text = form.text("purpose"), form.text("text_language")
    organization = form.text("organization")
    name = await queries.name_of(form.person, organization) if organization else None
    known = purpose in rules.RECIPIENTS and text in rules.TEXTS
    told: dict[str, Any] = {
        "purpose": purpose,
        "recipient_class": None if organization else rules.RECIPIENTS.get(purpose),
        "recipient_organization_id": organization,
        "recipient_name": name,
        "data_described": rules.described(purpose, text, name) if known else None,
        "given_by": form.text("given_by"),
        "method": form.text("method"),
        "language": form.text("language"),
        "staff_reference": rules.staff_reference(form.person.session.subject),
        "witness_reference": rules.staff_reference(witness) if (witness := form.text("witness")) else None,
        "given_at": form.text("given_at"),
        "expires_at": rules.expires_at(form.text("given_at"), form.text("months")),
    }
    body = {name: value for name, value in told.items() if value}
    body["revocation_explained"] = form.ticked("revocation_explained")
    await form.person.calls.send("POST", Service.REGISTRATION, f"{path_of(returnee_id)}/consents", body, key=form.key)


async def withdraw(form: Form, returnee_id: UUID, consent_id: UUID) -> None:
    """The person takes a consent back."""
    path = f"{path_of(returnee_id)}/consents/{consent_id}/withdraw"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key)
