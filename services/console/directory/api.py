"""Pages of the directory: the search, lists, one organisation, service or location, places of a service."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.answers import Part
from services.console.directory import queries, rules
from services.console.errors import NoSuchPage, Refused, ServiceAway
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson, seen_by
from services.console.places import actions as places_actions
from services.console.places import queries as places_queries

router = APIRouter(prefix="/directory", include_in_schema=False)
Reads = Annotated[Person, seen_by("directory:read")]
After = Annotated[str | None, Query(max_length=2000)]
_AFTER = "after"


@router.get("")
async def search_form(request: Request, person: Reads) -> Response:
    """The form of the search."""
    return await _search_page(request, person, Filled())


async def _search_page(
    request: Request,
    person: Person,
    filled: Filled,
    found: Part[Any] | None = None,
    body: Any = None,
    status: int = 200,
) -> Response:
    shown = await queries.form_choices(person)
    asked = queries.asked_words(person, body or {}, shown["taxonomy"])
    reasons = lambda codes: rules.reasons(person.words, codes, asked)  # noqa: E731 (a function for the template)
    return render(
        request,
        "directory/search.html",
        status=status,
        person=person,
        filled=filled,
        found=found,
        reasons=reasons,
        **shown,
        **queries.naming(person),
    )


@router.post("")
async def search(request: Request, form: SentForm) -> Response:
    """The results. Who the help is for is in the body of the request, never in an address."""
    person = form.person
    if not person.may("directory:read"):
        raise NoSuchPage
    moments = person.moments
    wanted = rules.wanted(text=form.text, every=form.all, now=moments.now, zone=moments.zone)
    filled = Filled(values={name: values for name, values in form.fields.items() if name not in ("csrf", _AFTER)})
    try:
        found = await queries.search(person, wanted, after=form.optional(_AFTER))
    except ServiceAway as away:
        return await _search_page(request, person, filled, Part(away=away.service), wanted.body)
    except Refused as refused:
        filled = refilled(form, refused.problem, wanted.pointers)
        return await _search_page(request, person, filled, status=refused.problem.status)
    return await _search_page(request, person, filled, Part(value=found), wanted.body)


@router.get("/organizations")
async def list_organizations(request: Request, person: Reads, after: After = None) -> Response:
    """All organisations."""
    found = await queries.organizations(person, after)
    return render(request, "directory/organizations.html", person=person, organizations=found, rights_rules=rules)


@router.get("/organizations/{organization_id}")
async def read_organization(request: Request, person: Reads, organization_id: UUID) -> Response:
    """One organisation."""
    found = await queries.organization(person, str(organization_id))
    return render(
        request,
        "directory/organization.html",
        person=person,
        filled=Filled(),
        today=person.moments.now.astimezone(person.moments.zone).date().isoformat(),
        **found,
        **queries.naming(person),
    )


@router.get("/services")
async def list_services(
    request: Request, person: Reads, category: Annotated[str | None, Query(max_length=40)] = None, after: After = None
) -> Response:
    """All services of any status."""
    found = await queries.services(person, category=category, after=after)
    return render(
        request, "directory/services.html", person=person, category=category, **found, **queries.naming(person)
    )


@router.get("/services/{service_id}")
async def read_service(request: Request, person: Reads, service_id: UUID) -> Response:
    """One service."""
    found = await queries.service(person, str(service_id))
    return render(request, "directory/service.html", person=person, **found, **queries.naming(person))


@router.get("/locations/{location_id}")
async def read_location(request: Request, person: Reads, location_id: UUID) -> Response:
    """One location."""
    found = await queries.location(person, str(location_id))
    return render(request, "directory/location.html", person=person, **found, **queries.naming(person))


async def _places(
    request: Request, person: Person, service_id: UUID, filled: Filled | None = None, status: int = 200
) -> Response:
    shown = await places_queries.service(person, str(service_id))
    own = f"/directory/places/{service_id}"
    return render(
        request,
        "places/service.html",
        person=person,
        status=status,
        filled=filled or Filled(),
        own=own,
        back=f"/directory/services/{service_id}",
        **shown,
    )


@router.get("/places/{service_id}")
async def read_places(request: Request, person: SignedInPerson, service_id: UUID) -> Response:
    """The declared places of any service, with the form to declare them for its organisation."""
    _require_declaring(person)
    return await _places(request, person, service_id)


def _require_declaring(person: Person) -> None:
    if not rules.declares(person.rights):
        raise NoSuchPage


@router.post("/places/{service_id}")
async def declare_places(request: Request, form: SentForm, service_id: UUID) -> Response:
    """Declare places for an organisation, for example after a call."""
    _require_declaring(form.person)
    pointers: dict[str, str] = {}
    try:
        declaration = await places_actions.read_declaration(form, str(service_id))
        pointers = dict(declaration.pointers)
        await places_actions.declare(form, str(service_id), declaration)
    except Refused as refused:
        filled = refilled(form, refused.problem, pointers)
        return await _places(request, form.person, service_id, filled, refused.problem.status)
    return _declared(form, service_id)


def _declared(form: Form, service_id: UUID) -> Response:
    said = form.person.words("The free places were declared.")
    return done(form.person, said, f"/directory/services/{service_id}")
