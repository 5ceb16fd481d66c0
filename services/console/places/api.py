"""Pages for the places of a provider."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson
from services.console.places import actions, queries

router = APIRouter(include_in_schema=False)


def _provider(person: Person) -> Person:
    if person.rights.organization_id is None or not person.may("capacity:write", "directory:read"):
        raise NoSuchPage
    return person


async def _declarer(person: SignedInPerson) -> Person:
    return _provider(person)


async def _declaring(form: SentForm) -> Form:
    _provider(form.person)
    return form


Declarer = Annotated[Person, Depends(_declarer)]


@router.get("/places")
async def read_places(request: Request, person: Declarer) -> Response:
    """All services with their pools."""
    return render(request, "places/list.html", person=person, **await queries.places(person))


async def _service(
    request: Request, person: Person, service_id: UUID, *, filled: Filled | None = None, status: int = 200
) -> Response:
    shown = await queries.service(person, str(service_id))
    return render(request, "places/service.html", person=person, status=status, filled=filled or Filled(), **shown)


@router.get("/places/{service_id}")
async def read_service(request: Request, person: Declarer, service_id: UUID) -> Response:
    """One service with the form for free places."""
    return await _service(request, person, service_id)


@router.post("/places/{service_id}")
async def declare(request: Request, form: Annotated[Form, Depends(_declaring)], service_id: UUID) -> Response:
    """Declare free places."""
    pointers: dict[str, str] = {}
    try:
        declaration = await actions.read_declaration(form, str(service_id))
        pointers = dict(declaration.pointers)
        await actions.declare(form, str(service_id), declaration)
    except Refused as refused:
        filled = refilled(form, refused.problem, pointers)
        return await _service(request, form.person, service_id, filled=filled, status=refused.problem.status)
    return done(form.person, form.person.words("The free places were declared."), "/places")
