"""Pages for the connections of a provider."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.endpoints import actions, queries, rules
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson

router = APIRouter(include_in_schema=False)
Status = Literal["pending", "sending", "succeeded", "failed"]


def _of_organization(person: Person, *scopes: str) -> Person:
    if person.rights.organization_id is None or not person.may("endpoints:read", *scopes):
        raise NoSuchPage
    return person


async def _reader(person: SignedInPerson) -> Person:
    return _of_organization(person)


async def _delivery_reader(person: SignedInPerson) -> Person:
    return _of_organization(person, "deliveries:read")


async def _writing(form: SentForm) -> Form:
    _of_organization(form.person, "endpoints:write")
    return form


Reader = Annotated[Person, Depends(_reader)]
DeliveryReader = Annotated[Person, Depends(_delivery_reader)]
WriteForm = Annotated[Form, Depends(_writing)]


@router.get("/endpoints")
async def read_endpoints(request: Request, person: Reader) -> Response:
    """All connections."""
    return render(request, "endpoints/list.html", person=person, filled=Filled(), **await queries.endpoints(person))


@router.post("/endpoints")
async def create_endpoint(request: Request, form: WriteForm) -> Response:
    """Add a connection. Its secret is shown on the page that answers; a reload shows the same page."""
    try:
        created = await actions.create(form)
    except Refused as refused:
        filled, status = refilled(form, refused.problem, rules.POINTERS), refused.problem.status
        shown = await queries.endpoints(form.person)
        return render(request, "endpoints/list.html", person=form.person, status=status, filled=filled, **shown)
    return render(request, "endpoints/secret.html", person=form.person, status=201, endpoint=created, overlap=None)


@router.get("/endpoints/deliveries")
async def read_deliveries(
    request: Request,
    person: DeliveryReader,
    status: Annotated[Status | Literal[""], Query()] = "",
    endpoint: Annotated[UUID | Literal[""], Query()] = "",
    after: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What was sent."""
    chosen = str(endpoint) or None
    shown = await queries.deliveries(person, status=status or None, endpoint_id=chosen, after=after)
    return render(request, "endpoints/deliveries.html", person=person, status_chosen=status, chosen=chosen, **shown)


async def _delivery(
    request: Request, person: Person, delivery_id: UUID, *, filled: Filled | None = None, status: int = 200
) -> Response:
    shown = await queries.delivery(person, str(delivery_id))
    return render(request, "endpoints/delivery.html", person=person, status=status, filled=filled or Filled(), **shown)


@router.get("/endpoints/deliveries/{delivery_id}")
async def read_delivery(request: Request, person: DeliveryReader, delivery_id: UUID) -> Response:
    """One delivery with its attempts."""
    return await _delivery(request, person, delivery_id)


@router.post("/endpoints/deliveries/{delivery_id}/replay")
async def replay_delivery(request: Request, form: WriteForm, delivery_id: UUID) -> Response:
    """Send it again."""
    person = _of_organization(form.person, "deliveries:read")
    try:
        await actions.replay(form, str(delivery_id))
    except Refused as refused:
        filled, status = refilled(form, refused.problem), refused.problem.status
        return await _delivery(request, person, delivery_id, filled=filled, status=status)
    return done(person, person.words("It is sent again."), f"/endpoints/deliveries/{delivery_id}")


async def _endpoint(
    request: Request,
    person: Person,
    endpoint_id: UUID,
    *,
    template: str = "endpoints/endpoint.html",
    refused: Any = None,
    filled: Filled | None = None,
    status: int = 200,
) -> Response:
    """`refused`: the problem of a button without fields; `filled`: a form after a refusal."""
    shown = await queries.endpoint(person, str(endpoint_id))
    more = {"filled": filled or Filled(), "refused": refused}
    return render(request, template, person=person, status=status, **shown, **more)


@router.get("/endpoints/{endpoint_id}")
async def read_endpoint(request: Request, person: Reader, endpoint_id: UUID) -> Response:
    """One connection."""
    return await _endpoint(request, person, endpoint_id)


@router.post("/endpoints/{endpoint_id}")
async def change_endpoint(request: Request, form: WriteForm, endpoint_id: UUID) -> Response:
    """Change the address or the events."""
    try:
        await actions.change(form, str(endpoint_id))
    except Refused as refused:
        filled, status = refilled(form, refused.problem, rules.POINTERS), refused.problem.status
        return await _endpoint(request, form.person, endpoint_id, filled=filled, status=status)
    return done(form.person, form.person.words("The connection was changed."), f"/endpoints/{endpoint_id}")


@router.get("/endpoints/{endpoint_id}/delete")
async def ask_delete(request: Request, person: Reader, endpoint_id: UUID) -> Response:
    """Ask before the connection is deleted."""
    _of_organization(person, "endpoints:write")
    return await _endpoint(request, person, endpoint_id, template="endpoints/delete.html")


@router.post("/endpoints/{endpoint_id}/delete")
async def delete_endpoint(form: WriteForm, endpoint_id: UUID) -> Response:
    """Delete the connection. One that is gone already is deleted."""
    try:
        await actions.delete(form, str(endpoint_id))
    except Refused as refused:
        if refused.problem.status != 404:
            raise
    return done(form.person, form.person.words("The connection was deleted."), "/endpoints")


@router.post("/endpoints/{endpoint_id}/rotate")
async def rotate_secret(request: Request, form: WriteForm, endpoint_id: UUID) -> Response:
    """Make a new secret, which is shown on the page that answers."""
    try:
        rotated = await actions.rotate(form, str(endpoint_id))
    except Refused as refused:
        problem = refused.problem
        return await _endpoint(request, form.person, endpoint_id, refused=problem, status=problem.status)
    overlap = form.number("overlap_hours")
    return render(request, "endpoints/secret.html", person=form.person, endpoint=rotated, overlap=overlap)


@router.post("/endpoints/{endpoint_id}/{step}")
async def step(
    request: Request, form: WriteForm, endpoint_id: UUID, step: Literal["enable", "disable", "test"]
) -> Response:
    """Switch it on or off, or send a test; the test leads to its delivery."""
    person = form.person
    try:
        told = await actions.step(form, str(endpoint_id), step)
    except Refused as refused:
        problem = refused.problem
        return await _endpoint(request, person, endpoint_id, refused=problem, status=problem.status)
    if step == "test":
        to = f"/endpoints/deliveries/{told['id']}" if person.may("deliveries:read") else f"/endpoints/{endpoint_id}"
        return done(person, person.words("A test was sent."), to)
    words = {
        "enable": person.words("The connection was switched on."),
        "disable": person.words("The connection was switched off."),
    }
    return done(person, words[step], f"/endpoints/{endpoint_id}")
