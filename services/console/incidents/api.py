"""Pages for incidents. They have codes and times. Addresses contain the id of an incident and the name of a list alone.

Who was concerned is a form and no link: registration records each person whom the list names.
"""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, refilled, sent_by
from services.console.incidents import actions, queries, rules
from services.console.labels import fields_in_words
from services.console.pages import done, render
from services.console.people import Person, seen_by
from services.console.taxonomy import active_organizations

router = APIRouter(prefix="/incidents", include_in_schema=False)
After = Annotated[str | None, Query(max_length=2000)]
_TYPED: Final = "%Y-%m-%dT%H:%M"


Reads = Annotated[Person, seen_by(*rules.READS, staff=True)]
Writes = Annotated[Person, seen_by(*rules.WRITES, staff=True)]
Reading = Annotated[Form, sent_by(*rules.READS, staff=True)]
Writing = Annotated[Form, sent_by(*rules.WRITES, staff=True)]


@router.get("")
async def list_incidents(
    request: Request, person: Reads, shown: Annotated[str, Query(alias="list")] = rules.OPEN, after: After = None
) -> Response:
    """Open ones, those with a late duty, or closed ones."""
    if shown not in rules.LISTS:
        raise NoSuchPage
    found = await queries.incidents(person, shown, after=after)
    return render(request, "incidents/list.html", person=person, found=found, shown=shown, rules=rules)


@router.get("/new")
async def incident_form(request: Request, person: Writes) -> Response:
    """The form that records an incident."""
    return await _form(request, person, Filled())


async def _form(request: Request, person: Person, filled: Filled, *, status: int = 200) -> Response:
    local = person.moments.local(person.moments.now)
    return render(
        request,
        "incidents/new.html",
        status=status,
        person=person,
        filled=filled,
        lists=choices,
        now_local=local.strftime(_TYPED),
        organizations=await active_organizations(person),
    )


@router.post("/new")
async def record(request: Request, form: Writing) -> Response:
    """Record it."""
    try:
        made = await actions.record(form)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.POINTERS)
        return await _form(request, form.person, filled, status=refused.problem.status)
    return done(form.person, form.person.words("The incident is recorded."), f"/incidents/{made}")


@router.get("/{incident_id}")
async def show_incident(request: Request, person: Reads, incident_id: UUID) -> Response:
    """One incident with its duties, and the form for what was done."""
    found = await queries.incident(person, incident_id)
    filled = Filled(values={"measures": found.row["measures"]})
    return _incident(request, person, found, filled)


def _incident(
    request: Request, person: Person, found: queries.Incident, filled: Filled, *, status: int = 200
) -> Response:
    return render(
        request,
        "incidents/incident.html",
        status=status,
        person=person,
        found=found,
        filled=filled,
        rules=rules,
        lists=choices,
    )


async def _refused(request: Request, form: Form, incident_id: UUID, refused: Refused, filled: Filled) -> Response:
    if refused.problem.status == 404:
        raise NoSuchPage
    # The incident is read again: after `version-mismatch` the page shows its present state.
    found = await queries.incident(form.person, incident_id)
    return _incident(request, form.person, found, filled, status=refused.problem.status)


@router.post("/{incident_id}/measures")
async def tell(request: Request, form: Writing, incident_id: UUID) -> Response:
    """Record what was done, or close the incident with it."""
    found, closes = await queries.incident(form.person, incident_id), form.ticked("closes")
    try:
        await actions.tell(form, found, closes=closes)
    except Refused as refused:
        pointers = rules.pointers_of(rules.reasons_of(form, found.open_duties))
        filled = refilled(form, refused.problem, pointers)
        return await _refused(request, form, incident_id, refused, filled)
    words = form.person.words
    said = words("The incident is closed.") if closes else words("It is recorded what was done.")
    return done(form.person, said, f"/incidents/{incident_id}")


@router.post("/{incident_id}/affected")
async def show_affected(request: Request, form: Reading, incident_id: UUID) -> Response:
    """Whose data were read or written, a page at a time."""
    found = await queries.incident(form.person, incident_id)
    if not rules.names_somebody(found.row):
        raise NoSuchPage
    try:
        listed = await queries.affected(form.person, found.row, after=form.optional("after"))
    except Refused as refused:
        filled = Filled(values={"measures": found.row["measures"]}, problem=refused.problem)
        return await _refused(request, form, incident_id, refused, filled)
    return render(
        request,
        "incidents/affected.html",
        person=form.person,
        found=found,
        listed=listed,
        fields_in_words=fields_in_words,
    )
