"""Pages for the needs of one person. What is chosen is never in an address, because it says what a person needs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, status
from fastapi.responses import Response

from services.console import choices
from services.console.answers import Json
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.needs import actions, queries, rules
from services.console.pages import done, render
from services.console.people import Person, seen_by

router = APIRouter(prefix="/reception/people/{returnee_id}/needs", include_in_schema=False)
Reads = Annotated[Person, seen_by("returnees:read")]
Writes = Annotated[Person, seen_by("returnees:read", "returnees:write")]
After = Annotated[str | None, Query(max_length=2000)]


def _require_writing(form: Form) -> None:
    if not form.person.may("returnees:read", "returnees:write"):
        raise NoSuchPage


@router.get("")
async def show_needs(request: Request, person: Reads, returnee_id: UUID, after: After = None) -> Response:
    """The needs, and the form for one more."""
    return await _needs(request, person, returnee_id, Filled(), after=after)


async def _needs(
    request: Request,
    person: Person,
    returnee_id: UUID,
    filled: Filled,
    *,
    after: str | None = None,
    at: str = "",
    status: int = 200,
) -> Response:
    """`at` is the id of the need at which the refusal in `filled` is shown; empty: it is that of the form."""
    page = await queries.needs_page(person, returnee_id, after=after)
    document = page.taxonomy.document
    what = "" if at else filled.value("what")
    return render(
        request,
        "needs/needs.html",
        status=status,
        person=person,
        page=page,
        found=page.found,
        filled=filled,
        at=at,
        groups=rules.groups(document, unknown=person.words("it is not clear yet what exactly")),
        what=what,
        questions=rules.questions(document, rules.split(what)[1]),
        lists=choices,
        areas=choices.areas(person.console.pack),
        spoken=choices.languages(person.words, person.console.pack),
    )


@router.post("")
async def report(request: Request, form: SentForm, returnee_id: UUID) -> Response:
    """Report a need. The details of the chosen kind are asked first, once."""
    _require_writing(form)
    person, what = form.person, form.text("what")
    document = await queries.words_for_needs(person)
    if not rules.is_asked(document, what, asked=form.text("asked")):
        return await _needs(request, person, returnee_id, Filled(values=form.fields, key=form.key))
    try:
        answer = await actions.report(form, returnee_id, document)
    except Refused as refused:
        pointers = {**actions.REPORT_POINTERS, **rules.pointers(actions.details_of(form, document))}
        filled = refilled(form, refused.problem, pointers)
        return await _needs(request, person, returnee_id, filled, status=refused.problem.status)
    known = answer.status == status.HTTP_200_OK
    said = person.words("This need was known already. It was not recorded twice.") if known else None
    return done(person, said or person.words("The need is recorded."), _page(returnee_id))


@router.post("/{need_id}/withdraw")
async def withdraw(request: Request, form: SentForm, returnee_id: UUID, need_id: UUID) -> Response:
    """Withdraw a need."""
    _require_writing(form)
    try:
        await actions.withdraw(form, returnee_id, need_id)
    except Refused as refused:
        if refused.problem.status == status.HTTP_404_NOT_FOUND:
            raise NoSuchPage from None
        filled = refilled(form, refused.problem)
        return await _needs(request, form.person, returnee_id, filled, at=str(need_id), status=refused.problem.status)
    return done(form.person, form.person.words("The need is withdrawn."), _page(returnee_id))


@router.get("/{need_id}/refine")
async def refine_form(request: Request, person: Writes, returnee_id: UUID, need_id: UUID) -> Response:
    """Ask what exactly is needed."""
    need = await queries.need_of(person, returnee_id, need_id)
    return await _refine(request, person, returnee_id, need, Filled())


async def _refine(
    request: Request, person: Person, returnee_id: UUID, need: Json, filled: Filled, *, status: int = 200
) -> Response:
    page = await queries.needs_page(person, returnee_id)
    document = page.taxonomy.document
    what = filled.value("what")
    return render(
        request,
        "needs/refine.html",
        status=status,
        person=person,
        page=page,
        found=page.found,
        need=need,
        filled=filled,
        groups=rules.groups(document, unknown="", category=need["category"]),
        what=what,
        questions=rules.questions(document, rules.split(what)[1]),
        areas=choices.areas(person.console.pack),
        spoken=choices.languages(person.words, person.console.pack),
    )


@router.post("/{need_id}/refine")
async def refine(request: Request, form: SentForm, returnee_id: UUID, need_id: UUID) -> Response:
    """Say what exactly is needed. The details of the chosen kind are asked first, once."""
    _require_writing(form)
    person, what = form.person, form.text("what")
    document = await queries.words_for_needs(person)
    if not rules.is_asked(document, what, asked=form.text("asked")):
        need = await queries.need_of(person, returnee_id, need_id)
        return await _refine(request, person, returnee_id, need, Filled(values=form.fields, key=form.key))
    try:
        await actions.refine(form, returnee_id, need_id, document)
    except Refused as refused:
        need = await queries.need_of(person, returnee_id, need_id)
        pointers = {**actions.REPORT_POINTERS, **rules.pointers(actions.details_of(form, document))}
        filled = refilled(form, refused.problem, pointers)
        return await _refine(request, person, returnee_id, need, filled, status=refused.problem.status)
    return done(person, person.words("It is recorded what exactly is needed."), _page(returnee_id))


def _page(returnee_id: UUID) -> str:
    return f"/reception/people/{returnee_id}/needs"
