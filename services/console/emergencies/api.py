"""Pages for access to one person in an emergency. Addresses contain the id of a request alone.

Who asked sees the person on a page of its own, until the access ends. Nobody else sees the person by this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.emergencies import actions, queries, rules
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.labels import LABELS
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson
from services.console.sessions import Rights

router = APIRouter(prefix="/emergencies", include_in_schema=False)
_May = Callable[[Rights], bool]


def _seen_by(*may: _May) -> Any:
    async def admitted(person: SignedInPerson) -> Person:
        if not any(one(person.rights) for one in may):
            raise NoSuchPage
        return person

    return Depends(admitted)


def _sent_by(may: _May) -> Any:
    async def admitted(form: SentForm) -> Form:
        if not may(form.person.rights):
            raise NoSuchPage
        return form

    return Depends(admitted)


Anybody = Annotated[Person, _seen_by(rules.asks, rules.reads)]
Asks = Annotated[Person, _seen_by(rules.asks)]
Reads = Annotated[Person, _seen_by(rules.reads)]
Asking = Annotated[Form, _sent_by(rules.asks)]
Approving = Annotated[Form, _sent_by(rules.approves)]
Reviewing = Annotated[Form, _sent_by(rules.reviews)]
After = Annotated[str | None, Query(max_length=2000)]
_LEAST_SECONDS: Final = 1


@router.get("")
async def list_emergencies(request: Request, person: Anybody, reviewed: bool = False, after: After = None) -> Response:
    """One's own requests; for who decides or reviews, those of everybody too."""
    reads = rules.reads(person.rights)
    return render(
        request,
        "emergencies/list.html",
        person=person,
        own=await queries.own(person) if rules.asks(person.rights) else None,
        everybodys=await queries.everybodys(person, reviewed=reviewed, after=after) if reads else None,
        reviewed=reviewed,
        rules=rules,
    )


@router.get("/new")
async def emergency_form(request: Request, person: Asks) -> Response:
    """The form that asks for access."""
    return _form(request, person, Filled())


def _form(request: Request, person: Person, filled: Filled, *, status: int = 200) -> Response:
    return render(request, "emergencies/new.html", status=status, person=person, filled=filled, lists=choices)


@router.post("/new")
async def ask(request: Request, form: Asking) -> Response:
    """Ask for it."""
    try:
        await actions.ask(form)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.POINTERS)
        return _form(request, form.person, filled, status=refused.problem.status)
    said = form.person.words("You have asked for access. Call a second person now, who decides.")
    return done(form.person, said, "/emergencies")


@router.get("/{emergency_id}")
async def show_emergency(request: Request, person: Reads, emergency_id: UUID) -> Response:
    """One request with what was written, and the forms that decide and review."""
    return await _emergency(request, person, emergency_id, Filled())


async def _emergency(
    request: Request, person: Person, emergency_id: UUID, filled: Filled, *, status: int = 200
) -> Response:
    found = await queries.emergency(person, emergency_id)
    return render(
        request,
        "emergencies/emergency.html",
        status=status,
        person=person,
        found=found,
        filled=filled,
        rules=rules,
        lists=choices,
    )


async def _refused(request: Request, form: Form, emergency_id: UUID, refused: Refused) -> Response:
    if refused.problem.status == 404:
        raise NoSuchPage
    filled = refilled(form, refused.problem, actions.POINTERS)
    return await _emergency(request, form.person, emergency_id, filled, status=refused.problem.status)


@router.get("/{emergency_id}/person")
async def show_person(request: Request, person: Asks, emergency_id: UUID) -> Response:
    """Who the person is and how to reach them. The page loads itself again at the end, and then shows nobody."""
    shown = await queries.shown(person, emergency_id)
    response = render(
        request,
        "emergencies/person.html",
        status=200 if shown.problem is None else shown.problem.status,
        person=person,
        shown=shown,
        language=lambda code: choices.language_name(person.words, code),
    )
    if shown.person is not None:
        moments = person.moments
        left = moments.seconds_left(shown.person["ends_at"]) / moments.rate
        response.headers["Refresh"] = str(max(round(left) + 1, _LEAST_SECONDS))
    return response


@router.post("/{emergency_id}/decision")
async def decide(request: Request, form: Approving, emergency_id: UUID) -> Response:
    """Approve or refuse it as the second person."""
    if form.text("decision") not in LABELS["emergency_decision"]:
        raise NoSuchPage
    try:
        await actions.decide(form, emergency_id)
    except Refused as refused:
        return await _refused(request, form, emergency_id, refused)
    return done(form.person, form.person.words("Your decision is recorded."), f"/emergencies/{emergency_id}")


@router.post("/{emergency_id}/review")
async def review(request: Request, form: Reviewing, emergency_id: UUID) -> Response:
    """Record what the data protection officer found."""
    try:
        await actions.review(form, emergency_id)
    except Refused as refused:
        return await _refused(request, form, emergency_id, refused)
    return done(form.person, form.person.words("The review is recorded."), f"/emergencies/{emergency_id}")
