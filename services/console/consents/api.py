"""Pages for the consents of one person."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, status
from fastapi.responses import Response

from services.console import choices
from services.console.consents import actions, queries, rules
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.intake.queries import registered
from services.console.intake.rules import text_language
from services.console.pages import done, render
from services.console.people import Person, seen_by
from services.console.taxonomy import active_organizations

router = APIRouter(prefix="/reception/people/{returnee_id}/consents", include_in_schema=False)
Reads = Annotated[Person, seen_by("returnees:read")]
Writes = Annotated[Person, seen_by("returnees:read", "consents:write")]


def _require_writing(form: Form) -> None:
    if not form.person.may("returnees:read", "consents:write"):
        raise NoSuchPage


@router.get("")
async def show_consents(request: Request, person: Reads, returnee_id: UUID) -> Response:
    """What the person allows."""
    return await _consents(request, person, returnee_id, Filled())


async def _consents(
    request: Request, person: Person, returnee_id: UUID, filled: Filled, *, at: str = "", status: int = 200
) -> Response:
    page = await queries.consents_page(person, returnee_id)
    return render(
        request,
        "consents/consents.html",
        status=status,
        person=person,
        page=page,
        found=page.found,
        filled=filled,
        at=at,
        lists=choices,
    )


@router.get("/new")
async def consent_form(
    request: Request,
    person: Writes,
    returnee_id: UUID,
    language: Annotated[str | None, Query(max_length=3)] = None,
) -> Response:
    """What is read to the person, and the record of what they decide."""
    return await _form(request, person, returnee_id, Filled(), language)


async def _form(
    request: Request, person: Person, returnee_id: UUID, filled: Filled, language: str | None, status: int = 200
) -> Response:
    found = await registered(person, returnee_id)
    chosen, understood = text_language([language] if language else found.languages, rules.TEXTS)
    return render(
        request,
        "consents/new.html",
        status=status,
        person=person,
        found=found,
        filled=filled,
        chosen=chosen,
        understood=understood,
        rules=rules,
        lists=choices,
        spoken=choices.languages(person.words, person.console.pack, also=found.languages),
        given_at=person.moments.now.isoformat(timespec="seconds"),
        organizations=await active_organizations(person),
        is_child=found.row["profile"]["age_group"] == "child",
    )


@router.post("/new")
async def give(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Record a consent."""
    _require_writing(form)
    try:
        await actions.give(form, returnee_id)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.POINTERS)
        language = form.text("text_language")
        return await _form(request, form.person, returnee_id, filled, language, refused.problem.status)
    return done(form.person, form.person.words("The consent is recorded."), _page(returnee_id))


@router.post("/{consent_id}/withdraw")
async def withdraw(request: Request, form: SentForm, returnee_id: UUID, consent_id: UUID) -> Response:
    """The person takes a consent back."""
    _require_writing(form)
    try:
        await actions.withdraw(form, returnee_id, consent_id)
    except Refused as refused:
        if refused.problem.status == status.HTTP_404_NOT_FOUND:
            raise NoSuchPage from None
        filled = refilled(form, refused.problem)
        return await _consents(
            request, form.person, returnee_id, filled, at=str(consent_id), status=refused.problem.status
        )
    said = form.person.words("The consent is withdrawn. Nothing more is shared because of it.")
    return done(form.person, said, _page(returnee_id))


def _page(returnee_id: UUID) -> str:
    return f"/reception/people/{returnee_id}/consents"
