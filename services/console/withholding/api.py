"""The page with the private people whom one person excludes. Addresses contain ids alone."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, refilled, sent_by
from services.console.labels import LABELS, label
from services.console.pages import done, render
from services.console.people import Person, seen_by
from services.console.withholding import actions, queries
from services.console.words import Words

router = APIRouter(prefix="/reception/people/{returnee_id}/excluded", include_in_schema=False)
CHANGES: Final = ("returnees:read", "returnees:write")
Writes = Annotated[Person, seen_by(*CHANGES)]
Writing = Annotated[Form, sent_by(*CHANGES)]


@router.get("")
async def show_excluded(request: Request, person: Writes, returnee_id: UUID) -> Response:
    """Whom the person excludes, and the form that adds somebody."""
    return await _page(request, person, returnee_id, Filled())


async def _page(request: Request, person: Person, returnee_id: UUID, filled: Filled, *, status: int = 200) -> Response:
    page = await queries.page(person, returnee_id)
    return render(
        request,
        "withholding/excluded.html",
        status=status,
        person=person,
        found=page.found,
        excluded=page.excluded,
        filled=filled,
        lists=choices,
        reasons=[(code, reason_in_words(person.words, code)) for code in person.console.pack.withholding_reasons],
        reason_in_words=reason_in_words,
    )


def reason_in_words(words: Words, code: str | None) -> str:
    """The words for a reason of the pack; its code if the pack has reasons of its own."""
    if code is None or code in LABELS["withholding_reason"]:
        return label(words, "withholding_reason", code)
    return code.replace("_", " ")


@router.post("")
async def exclude(request: Request, form: Writing, returnee_id: UUID) -> Response:
    """Record that the person excludes somebody."""
    try:
        await actions.exclude(form, returnee_id)
    except Refused as refused:
        return await _refused(request, form, returnee_id, refused)
    said = form.person.words("It is recorded. The two are kept apart from now on.")
    return done(form.person, said, f"/reception/people/{returnee_id}/excluded")


@router.post("/{exclusion_id}/end")
async def end(request: Request, form: Writing, returnee_id: UUID, exclusion_id: UUID) -> Response:
    """End an exclusion, because the person says so."""
    try:
        await actions.end(form, returnee_id, exclusion_id)
    except Refused as refused:
        return await _refused(request, form, returnee_id, refused)
    said = form.person.words("It has ended, and what was told is deleted.")
    return done(form.person, said, f"/reception/people/{returnee_id}/excluded")


async def _refused(request: Request, form: Form, returnee_id: UUID, refused: Refused) -> Response:
    if refused.problem.status == 404:
        raise NoSuchPage
    filled = refilled(form, refused.problem, actions.POINTERS)
    return await _page(request, form.person, returnee_id, filled, status=refused.problem.status)
