"""Records landings, absences and completed intakes, registers people, and searches for them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Service
from services.console.forms import Form

_BATCHES: Final = "/v1/arrival-batches"
REGISTER_POINTERS: Final = {
    "/identity": "given_names",
    "/identity/given_names": "given_names",
    "/identity/family_names": "family_names",
    "/identity/birth_date": "birth_date",
    "/profile/age": "age_group",
    "/profile/age/basis": "age_basis",
    "/profile/sex": "sex",
    "/profile/nationality": "nationality",
    "/profile/identity_document": "identity_document",
    "/profile/languages": "language",
    "/reception_place": "reception_place",
}
SEARCH_POINTERS: Final = {
    "/names": "names",
    "/birth_date": "birth_date",
    "/document_number": "document_number",
    "/case_code": "case_code",
}
LAND_POINTERS: Final = {"/people_count": "people_count"}


def told(**values: Any) -> Json:
    """Only the values that were told: an empty field is not a statement of the person."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


async def land(form: Form, batch_id: UUID) -> None:
    """Record that the flight or bus has landed now with this number of people."""
    body = told(people_count=form.number("people_count"))
    await form.person.calls.send("POST", Service.REGISTRATION, f"{_BATCHES}/{batch_id}/land", body, key=form.key)


async def complete_intake(form: Form, batch_id: UUID) -> None:
    """Record that nobody else of the flight or bus is expected."""
    path = f"{_BATCHES}/{batch_id}/complete-intake"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key)


async def mark_absent(form: Form, batch_id: UUID, entry_id: UUID) -> None:
    """Record that an announced person has not come."""
    path = f"{_BATCHES}/{batch_id}/entries/{entry_id}/absent"
    await form.person.calls.send("POST", Service.REGISTRATION, path, key=form.key)


async def register(form: Form) -> Json:
    """Register a person. The time of arrival is in the form, so that a repetition tells exactly the same."""
    group = form.text("age_group")
    language = form.text("language")
    body = told(
        arrived_at=form.text("arrived_at"),
        arrival_batch_id=form.text("batch"),
        manifest_reference=form.text("manifest_reference"),
        reception_place=form.text("reception_place"),
        identity=told(
            given_names=form.text("given_names"),
            family_names=form.text("family_names"),
            birth_date=form.text("birth_date"),
        ),
        profile=told(
            age=told(group=group, basis=form.text("age_basis")) if group else None,
            sex=form.text("sex"),
            nationality=form.text("nationality"),
            identity_document=form.text("identity_document"),
            languages=[language] if language else None,
        ),
    )
    answer = await form.person.calls.send("POST", Service.REGISTRATION, "/v1/returnees", body, key=form.key)
    registered: Json = answer.body
    return registered


async def search(form: Form) -> Json:
    """The people who match, on one page."""
    body = told(
        case_code=form.text("case_code").upper(),
        names=form.text("names"),
        birth_date=form.text("birth_date"),
        document_number=form.text("document_number"),
    )
    found: Json = (await form.person.calls.send("POST", Service.REGISTRATION, "/v1/returnees/search", body)).body
    return found
