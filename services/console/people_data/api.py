"""Pages for the data protection officer. Names of people are not on them: the case code is enough."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, refilled, sent_by
from services.console.labels import fields_in_words
from services.console.pages import done, go, render
from services.console.people import Person, seen_by
from services.console.people_data import actions, queries, rules

router = APIRouter(prefix="/people-data", include_in_schema=False)
SCOPES: Final = ("access-log:read", "erasure:write", "returnees:read")
Officer = Annotated[Person, seen_by(*SCOPES, staff=True)]
OfficersForm = Annotated[Form, sent_by(*SCOPES, staff=True)]
After = Annotated[str | None, Query(max_length=2000)]


@router.get("")
async def search_form(request: Request, person: Officer) -> Response:
    """The form that finds a person by the case code."""
    return render(request, "people_data/search.html", person=person, filled=Filled())


@router.post("")
async def search(request: Request, form: OfficersForm) -> Response:
    """To the page of the person with this case code."""
    try:
        found = await actions.find(form)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.SEARCH_POINTERS)
        return render(
            request, "people_data/search.html", status=refused.problem.status, person=form.person, filled=filled
        )
    return go(f"/people-data/{found}")


@router.get("/{returnee_id}")
async def show_data(
    request: Request, person: Officer, returnee_id: UUID, registration: After = None, referral: After = None
) -> Response:
    """Who looked at what, what the person allows, what organisations answered. The parameters are cursors."""
    return await _data(request, person, returnee_id, {"registration": registration, "referral": referral})


async def _data(
    request: Request,
    person: Person,
    returnee_id: UUID,
    after: dict[str, str | None] | None = None,
    *,
    filled: Filled | None = None,
    at: str = "",
    status: int = 200,
) -> Response:
    found = await queries.data_page(person, returnee_id, after or dict.fromkeys(rules.SERVICES))
    return render(
        request,
        "people_data/data.html",
        status=status,
        person=person,
        filled=filled or Filled(),
        at=at,
        after=after or {},
        rules=rules,
        fields_in_words=fields_in_words,
        lists=choices,
        **found,
    )


@router.post("/{returnee_id}/consents/{consent_id}/withdraw")
async def withdraw_consent(request: Request, form: OfficersForm, returnee_id: UUID, consent_id: UUID) -> Response:
    """The person takes a consent back."""
    if not form.person.may("consents:write"):
        raise NoSuchPage
    try:
        await actions.withdraw_consent(form, returnee_id, consent_id)
    except Refused as refused:
        filled, status = refilled(form, refused.problem), refused.problem.status
        return await _data(request, form.person, returnee_id, filled=filled, at=str(consent_id), status=status)
    said = form.person.words("The consent is withdrawn. Nothing more is shared because of it.")
    return done(form.person, said, f"/people-data/{returnee_id}")


@router.get("/{returnee_id}/erasure")
async def erasure_form(request: Request, person: Officer, returnee_id: UUID) -> Response:
    """What an erasure does, and the form that confirms it."""
    about = await queries.subject(person, returnee_id)
    return render(request, "people_data/erasure.html", person=person, about=about, filled=Filled())


@router.post("/{returnee_id}/erasure")
async def erase(request: Request, form: OfficersForm, returnee_id: UUID) -> Response:
    """Erase the person. The same form sent again finds them erased, and goes to the same result."""
    about = await queries.subject(form.person, returnee_id)
    if about.erased:
        return go(about.path)
    try:
        await actions.erase(form, about)
    except Refused as refused:
        if refused.problem.code == queries.ERASED:
            return go(about.path)
        filled = refilled(form, refused.problem, {**actions.SEARCH_POINTERS, "/understood": "understood"})
        return render(
            request,
            "people_data/erasure.html",
            status=refused.problem.status,
            person=form.person,
            about=about,
            filled=filled,
        )
    return done(form.person, form.person.words("The data of the person are erased."), about.path)
