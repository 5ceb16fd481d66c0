"""Corrects a person's data, and records their household and their safe contact."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Service
from services.console.errors import NoSuchPage
from services.console.forms import Form
from services.console.intake import rules
from services.console.intake.queries import path_of

PROFILE_POINTERS: Final = {
    f"/profile/{name}": name
    for name in (
        "client_kind", "languages", "destination", "access_needs", "protection_flags", "avoid_places", "documents_held",
    )
} | {f"/return_facts/{name}": f"return_{name}" for name in ("kind", "order", "mode", "signs")}  # fmt: skip
IDENTITY_POINTERS: Final = {
    **{f"/identity/{name}": name for name in ("given_names", "family_names", "birth_date", "document_number")},
    **{f"/profile/{name}": name for name in ("sex", "nationality", "identity_document")},
    "/profile/age": "age_group",
    "/profile/age/basis": "age_basis",
}
CONTACT_POINTERS: Final = {
    "/expires_at": "expires_on",
    **{
        f"/{name}": name
        for name in (
            "channel", "address", "address_owner", "code_word", "language", "hours_from", "hours_until",
            "may_leave_message", "may_name_organization",
        )
    },
}  # fmt: skip
HOUSEHOLD_POINTERS: Final = {
    "/member_ids": "member",
    "/reference_returnee_id": "reference",
    "/expected_size": "expected_size",
}


def told(**values: Any) -> Json:
    """Only the values that were told: an empty field is not a statement of the person."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def uuid_of(text: str) -> UUID:
    """An id from a hidden field. Raises NoSuchPage for anything else, because it becomes a part of an address."""
    try:
        return UUID(text)
    except ValueError:
        raise NoSuchPage from None


async def correct_profile(form: Form, returnee_id: UUID) -> None:
    """Set the profile as the form shows it. What the form could not show is left out, so that it does not change."""
    profile: Json = {
        "client_kind": form.text("client_kind"),
        "destination": form.optional("destination"),
        "access_needs": form.all("access_needs"),
        "protection_flags": form.all("protection_flags"),
        "avoid_places": form.all("avoid_places"),
    }
    if form.ticked("documents_shown"):
        profile["documents_held"] = form.all("documents_held")
    if form.all("languages"):
        profile["languages"] = form.all("languages")
    return_facts = {name: form.optional(f"return_{name}") for name in ("kind", "order", "mode")}
    body = {"profile": profile, "return_facts": {**return_facts, "signs": form.all("return_signs")}}
    await _correct(form, returnee_id, body)


async def correct_identity(form: Form, returnee_id: UUID) -> None:
    """Set names, birth date and what a document would show. The age group changes only if one was chosen."""
    group = form.text("age_group")
    identity = {
        "given_names": form.text("given_names"),
        "family_names": form.text("family_names"),
        "birth_date": form.optional("birth_date"),
        "document_number": form.optional("document_number"),
    }
    profile = told(
        age=told(group=group, basis=form.text("age_basis")) if group else None,
        sex=form.text("sex"),
        nationality=form.text("nationality"),
        identity_document=form.text("identity_document"),
    )
    await _correct(form, returnee_id, {"identity": identity, "profile": profile})


async def _correct(form: Form, returnee_id: UUID, body: Json) -> None:
    calls, etag = form.person.calls, form.text("version")
    await calls.send("PATCH", Service.REGISTRATION, path_of(returnee_id), body, etag=etag)


async def set_safe_contact(form: Form, returnee_id: UUID) -> None:
    """Record how the person can be reached safely. A repetition sets the same again."""
    body = told(
        channel=form.text("channel"),
        address=form.text("address"),
        address_owner=form.text("address_owner"),
        code_word=form.text("code_word"),
        language=form.text("language"),
        hours_from=form.number("hours_from"),
        hours_until=form.number("hours_until"),
        expires_at=rules.end_of_day(form.text("expires_on"), zone=form.person.moments.zone),
    )
    body |= {name: form.ticked(name) for name in ("may_leave_message", "may_name_organization")}
    await form.person.calls.send("PUT", Service.REGISTRATION, f"{path_of(returnee_id)}/safe-contact", body)


async def find_member(form: Form) -> tuple[str, str] | None:
    """The id and case code of the person with the typed case code; None if nobody has it."""
    body = {"case_code": form.text("case_code").upper()}
    found = (await form.person.calls.send("POST", Service.REGISTRATION, "/v1/returnees/search", body)).body
    return next(((one["id"], one["case_code"]) for one in found["items"]), None)


async def save_household(form: Form) -> None:
    """Make exactly the chosen people the household that the form names; without one, create it of them."""
    household_id = form.text("household")
    members = form.all("member")
    body: Json = {
        "reference_returnee_id": form.text("reference"),
        "member_ids": members,
        "expected_size": form.number("expected_size") or len(members),
        "stay_together": form.ticked("stay_together"),
    }
    if form.ticked("namesakes_confirmed"):
        body["namesakes_confirmed"] = True
    calls = form.person.calls
    if not household_id:
        await calls.send("POST", Service.REGISTRATION, "/v1/households", body, key=form.key)
    else:
        path = f"/v1/households/{uuid_of(household_id)}"
        await calls.send("PATCH", Service.REGISTRATION, path, body, etag=form.text("version"))
