"""Records that a person excludes somebody, and ends it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from services.console.calls import Service
from services.console.forms import ABOUT_PERSON, Form
from services.console.intake.queries import id_of
from services.console.withholding.queries import path_of

POINTERS: Final = {
    "/name/given_names": "given_names",
    "/name/family_names": "family_names",
    "/name": "given_names",
    "/case_code": "case_code",
    "/returnee_id": "case_code",
    "/relation": "relation",
    "/reason": "reason",
    "/reason_words": ABOUT_PERSON,
}


async def exclude(form: Form, returnee_id: UUID) -> None:
    """Record whom the person excludes: by name, by the case code of their record, or both. Raises Refused."""
    name = {one: form.text(one) for one in ("given_names", "family_names") if form.text(one)}
    told: dict[str, Any] = {
        "name": name,
        "returnee_id": await id_of(form.person, form.text("case_code")) if form.text("case_code") else "",
        "relation": form.text("relation"),
        "reason": form.text("reason"),
        "reason_words": form.text(ABOUT_PERSON),
    }
    body = {field: value for field, value in told.items() if value}
    await form.person.calls.send("POST", Service.REGISTRATION, path_of(returnee_id), body, key=form.key)


async def end(form: Form, returnee_id: UUID, exclusion_id: UUID) -> None:
    """End an exclusion. Raises Refused."""
    path = f"{path_of(returnee_id)}/{exclusion_id}/end"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key)
