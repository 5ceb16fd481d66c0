"""Pages about one registered person: what is known, corrections, household, safe contact, slip."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.calls import together
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.intake import actions, queries, rules
from services.console.pages import done, render
from services.console.people import Person, seen_by
from services.console.taxonomy import Taxonomy, taxonomy_of

router = APIRouter(prefix="/reception/people/{returnee_id}", include_in_schema=False)
Reads = Annotated[Person, seen_by("returnees:read")]
Writes = Annotated[Person, seen_by("returnees:read", "returnees:write")]


def _require_writing(form: Form) -> None:
    if not form.person.may("returnees:read", "returnees:write"):
        raise NoSuchPage


@router.get("")
async def show_person(
    request: Request, person: Reads, returnee_id: UUID, new: Annotated[str | None, Query(max_length=3)] = None
) -> Response:
    """The case code, what is known, and the links to the rest."""
    page = await queries.person_page(person, returnee_id)
    return render(request, "intake/person.html", person=person, page=page, is_new=new == "yes", lists=choices)


@router.get("/slip")
async def slip(
    request: Request, person: Reads, returnee_id: UUID, language: Annotated[str | None, Query(max_length=3)] = None
) -> Response:
    """The paper that the person takes along."""
    found = await queries.registered(person, returnee_id)
    chosen, spoken = rules.text_language([language] if language else found.languages, rules.SLIPS)
    return render(
        request,
        "intake/slip.html",
        person=person,
        found=found,
        slip=rules.SLIPS[chosen],
        chosen=chosen,
        spoken=spoken,
        slips=rules.SLIPS,
    )


@router.get("/profile")
async def profile_form(request: Request, person: Writes, returnee_id: UUID) -> Response:
    """The facts that the search for help uses."""
    return await _profile(request, person, returnee_id, None)


async def _profile(
    request: Request, person: Person, returnee_id: UUID, filled: Filled | None, status: int = 200
) -> Response:
    parts = await together(found=queries.registered(person, returnee_id), taxonomy=taxonomy_of(person))
    found: queries.Registered = queries.whole(parts["found"])
    taxonomy: Taxonomy = parts["taxonomy"].value or Taxonomy()
    profile, pack, words = found.row["profile"], person.console.pack, person.words
    areas = choices.areas(pack)
    documents = [(one["code"], one["label"]) for one in taxonomy.document.get("documents", ())]
    return render(
        request,
        "intake/profile.html",
        status=status,
        person=person,
        found=found,
        filled=filled or Filled(values=rules.profile_values(found.row)),
        lists=choices,
        areas=rules.with_present(areas, [profile["destination"]] if profile["destination"] else []),
        avoided=rules.with_present(areas, profile["avoid_places"]),
        spoken=choices.languages(words, pack, also=profile["languages"]),
        documents=rules.with_present(documents, profile["documents_held"]) if documents else [],
        hidden_flags=() if person.rights.restricted else ("restricted_path",),
    )


@router.post("/profile")
async def correct_profile(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Change the facts that the search for help uses."""
    _require_writing(form)
    try:
        await actions.correct_profile(form, returnee_id)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.PROFILE_POINTERS)
        return await _profile(request, form.person, returnee_id, filled, refused.problem.status)
    return _saved(form, returnee_id)


@router.get("/identity")
async def identity_form(request: Request, person: Writes, returnee_id: UUID) -> Response:
    """Names, birth date, and what a document would show."""
    return await _identity(request, person, returnee_id, None)


async def _identity(
    request: Request, person: Person, returnee_id: UUID, filled: Filled | None, status: int = 200
) -> Response:
    found = await queries.registered(person, returnee_id)
    return render(
        request,
        "intake/identity.html",
        status=status,
        person=person,
        found=found,
        filled=filled or Filled(values=rules.identity_values(found.row)),
        lists=choices,
        countries=choices.countries(person.words),
    )


@router.post("/identity")
async def correct_identity(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Correct names, birth date, and what a document would show."""
    _require_writing(form)
    try:
        await actions.correct_identity(form, returnee_id)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.IDENTITY_POINTERS)
        return await _identity(request, form.person, returnee_id, filled, refused.problem.status)
    return _saved(form, returnee_id)


@router.get("/contact")
async def contact_form(request: Request, person: Writes, returnee_id: UUID) -> Response:
    """A new safe contact. The present one is never shown."""
    return await _contact(request, person, returnee_id, Filled())


async def _contact(request: Request, person: Person, returnee_id: UUID, filled: Filled, status: int = 200) -> Response:
    found = await queries.registered(person, returnee_id)
    spoken = choices.languages(person.words, person.console.pack, also=found.languages)
    return render(
        request,
        "intake/contact.html",
        status=status,
        person=person,
        found=found,
        filled=filled,
        lists=choices,
        spoken=spoken,
    )


@router.post("/contact")
async def set_contact(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Record how the person can be reached safely."""
    _require_writing(form)
    try:
        await actions.set_safe_contact(form, returnee_id)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.CONTACT_POINTERS)
        return await _contact(request, form.person, returnee_id, filled, refused.problem.status)
    return _saved(form, returnee_id)


@router.get("/household")
async def household_form(request: Request, person: Writes, returnee_id: UUID) -> Response:
    """The people who belong together."""
    found = await queries.registered(person, returnee_id)
    household = await queries.household_of(person, found)
    return _household(request, person, found, household, Filled())


def _household(
    request: Request,
    person: Person,
    found: queries.Registered,
    household: queries.Household,
    filled: Filled,
    *,
    nobody: bool = False,
    status: int = 200,
) -> Response:
    codes = {**household.codes, **rules.typed_codes(filled.values)} if filled.values else household.codes
    return render(
        request,
        "intake/household.html",
        status=status,
        person=person,
        found=found,
        household=household,
        codes=codes,
        filled=filled,
        nobody=nobody,
    )


@router.post("/household")
async def change_household(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Add a person to the list if a case code was typed; otherwise save the list."""
    _require_writing(form)
    found = await queries.registered(form.person, returnee_id)
    household = await queries.household_of(form.person, found)
    try:
        if not form.text("case_code"):
            await actions.save_household(form)
            return _saved(form, returnee_id)
        member = await actions.find_member(form)
    except Refused as refused:
        pointers = {**actions.HOUSEHOLD_POINTERS, "/case_code": "case_code"}
        filled = refilled(form, refused.problem, pointers)
        return _household(request, form.person, found, household, filled, status=refused.problem.status)
    filled = Filled(values=rules.with_member(form.fields, member), key=form.key)
    return _household(request, form.person, found, household, filled, nobody=member is None)


def _saved(form: Form, returnee_id: UUID) -> Response:
    return done(form.person, form.person.words("Saved."), f"/reception/people/{returnee_id}")
