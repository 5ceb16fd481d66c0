"""Pages for providers: requests to delete data of people whose packets they have read."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.choices import coded
from services.console.deletions import actions, queries
from services.console.errors import NoSuchPage, Refused
from services.console.forms import SentForm
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson

router = APIRouter(include_in_schema=False)


def _of_provider(person: Person, *scopes: str) -> Person:
    """A person of an organisation with these rights; for others the page does not exist."""
    if person.rights.organization_id is None or not person.may(*scopes):
        raise NoSuchPage
    return person


@router.get("/offers/deletions")
async def read_deletions(
    request: Request,
    person: SignedInPerson,
    answered: bool = False,
    after: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Requests to delete data."""
    _of_provider(person, "deletions:read")
    return await _deletions(request, person, answered=answered, after=after)


async def _deletions(
    request: Request,
    person: Person,
    *,
    answered: bool = False,
    after: str | None = None,
    refused: Any = None,
    status: int = 200,
) -> Response:
    page = await queries.deletions(person, answered=answered, after=after)
    shown = {"page": page, "answered": answered, "keeping_grounds": coded(person.words, "keeping_ground")}
    return render(request, "deletions/list.html", person=person, status=status, refused=refused, **shown)


@router.post("/offers/deletions/{offer_id}")
async def answer_deletion(request: Request, form: SentForm, offer_id: UUID) -> Response:
    """Say what was done with the data."""
    person = _of_provider(form.person, "deletions:read", "deletions:answer")
    try:
        await actions.answer_deletion(form, str(offer_id))
    except Refused as refused:
        about = {"offer_id": str(offer_id), "case_code": form.text("case_code"), "problem": refused.problem}
        return await _deletions(request, person, refused=about, status=refused.problem.status)
    return done(person, person.words("Your answer about the data was recorded."), "/offers/deletions")
