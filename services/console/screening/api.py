"""The page on which a trained member of staff screens one person, one question at a time.

The page exists for everybody who has the right to screen and for every person alike, so it does not show whether
somebody was screened. Addresses contain the id of the person and a language alone.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, go, render
from services.console.people import Person, seen_by
from services.console.screening import actions, queries, rules

router = APIRouter(prefix="/reception/people/{returnee_id}/screening", include_in_schema=False)
RIGHTS = ("returnees:read", "screening:read", "screening:write", "restricted:read")
Screens = Annotated[Person, seen_by(*RIGHTS)]
entry = APIRouter(prefix="/screening", include_in_schema=False)
Language = Annotated[str | None, Query(min_length=2, max_length=3, pattern="^[a-z]+$")]


def _require(form: Form) -> None:
    if not form.person.may(*RIGHTS):
        raise NoSuchPage


@entry.get("")
async def find_person(request: Request, person: Screens) -> Response:
    """Find the person first: a screening has no list."""
    return render(request, "reception/search.html", person=person, filled=Filled(), found=None, empty=False)


@router.get("")
async def show_screening(request: Request, person: Screens, returnee_id: UUID, language: Language = None) -> Response:
    """The next question, or what was answered."""
    return await _screening(request, person, returnee_id, language)


async def _screening(
    request: Request,
    person: Person,
    returnee_id: UUID,
    language: str | None,
    *,
    filled: Filled | None = None,
    status: int = 200,
) -> Response:
    page = await queries.screening_of(person, returnee_id, language)
    return render(
        request,
        "screening/screening.html",
        status=status,
        person=person,
        page=page,
        found=page.found,
        view=page.row,
        filled=filled or Filled(),
        rules=rules,
    )


async def _refused(request: Request, form: Form, returnee_id: UUID, refused: Refused) -> Response:
    if refused.problem.status == 404:
        raise NoSuchPage
    filled = refilled(form, refused.problem, actions.POINTERS)
    language, status = form.text("language") or None, refused.problem.status
    return await _screening(request, form.person, returnee_id, language, filled=filled, status=status)


@router.post("/open")
async def open_screening(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Begin."""
    _require(form)
    try:
        await actions.open_screening(form, returnee_id)
    except Refused as refused:
        return await _refused(request, form, returnee_id, refused)
    return go(_page(form, returnee_id))


@router.post("/answer")
async def answer(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Save one answer, and go to the next question."""
    _require(form)
    try:
        await actions.answer(form, returnee_id)
    except Refused as refused:
        return await _refused(request, form, returnee_id, refused)
    return go(_page(form, returnee_id))


@router.post("/end")
async def end(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Complete it, or stop it. Both have one address, and the page that follows is the same: neither a log nor somebody
    who looks over the shoulder tells them apart."""
    _require(form)
    if form.text("how") not in actions.ENDS:
        raise NoSuchPage
    try:
        await actions.end(form, returnee_id)
    except Refused as refused:
        return await _refused(request, form, returnee_id, refused)
    return done(form.person, form.person.words("The conversation has ended."), f"/reception/people/{returnee_id}")


def _page(form: Form, returnee_id: UUID) -> str:
    language = form.text("language")
    return f"/reception/people/{returnee_id}/screening" + (f"?language={language}" if language else "")
