"""Finding a case by its code, its page, and the explanation of one offer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.cases import queries
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import SentForm, refilled
from services.console.pages import go, render
from services.console.people import Person, seen_by

router = APIRouter(include_in_schema=False)
Reader = Annotated[Person, seen_by("referrals:read", "offers:read")]


def _of_staff(person: Person) -> Person:
    """Providers have their offers instead."""
    if not person.rights.staff:
        raise NoSuchPage
    return person


@router.get("/cases")
async def read_search(request: Request, person: Reader) -> Response:
    """The field for a case code."""
    return render(request, "cases/search.html", person=_of_staff(person), filled=Filled())


@router.post("/cases")
async def find_case(request: Request, form: SentForm) -> Response:
    """Go to the case of a code. The code is sent in a form, so that it is in no address."""
    person = _of_staff(form.person)
    if not person.may("referrals:read", "offers:read"):
        raise NoSuchPage
    try:
        return go(f"/cases/{await queries.find(person, form.text('case_code'))}")
    except Refused as refused:
        filled = refilled(form, refused.problem, {"/case_code": "case_code"})
        return render(request, "cases/search.html", status=refused.problem.status, person=person, filled=filled)


@router.get("/cases/{returnee_id}")
async def read_case(
    request: Request, person: Reader, returnee_id: UUID, after: Annotated[str | None, Query(max_length=1000)] = None
) -> Response:
    """The page of a case."""
    found = await queries.case(_of_staff(person), str(returnee_id), after=after)
    return render(request, "cases/case.html", person=person, filled=Filled(), **found)


@router.get("/cases/offers/{offer_id}")
async def read_explanation(request: Request, person: Reader, offer_id: UUID) -> Response:
    """Why this service, and why not the others."""
    found = await queries.explanation(_of_staff(person), str(offer_id))
    return render(request, "cases/explanation.html", person=person, **found)
