"""Pages for releases of children. They exist for the child desk and the authority alone.

Addresses contain the id of a release and its state. Titles contain no name.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import SentForm, refilled
from services.console.labels import LABELS
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson
from services.console.releases import actions, queries, rules

router = APIRouter(prefix="/child-releases", include_in_schema=False)


async def _reads(person: SignedInPerson) -> Person:
    if not rules.reads(person.rights):
        raise NoSuchPage
    return person


async def _begins(person: SignedInPerson) -> Person:
    if not rules.begins(person.rights):
        raise NoSuchPage
    return person


Reads = Annotated[Person, Depends(_reads)]
Begins = Annotated[Person, Depends(_begins)]
After = Annotated[str | None, Query(max_length=2000)]
Status = Annotated[str, Query(max_length=20)]
_TYPED: Final = "%Y-%m-%dT%H:%M:%S"
"""A time as a field of a form has it."""


@router.get("")
async def list_releases(request: Request, person: Reads, status: Status = rules.OPEN, after: After = None) -> Response:
    """The releases in one state, each with what it waits for."""
    if status not in LABELS["release_status"]:
        raise NoSuchPage
    found = await queries.releases(person, status=status, after=after)
    tabs = choices.coded(person.words, "release_status")
    return render(
        request, "releases/list.html", person=person, found=found, status_shown=status, tabs=tabs, rules=rules
    )


@router.get("/new")
async def release_form(request: Request, person: Begins) -> Response:
    """The form that names a relative."""
    return _form(request, person, Filled())


def _form(request: Request, person: Person, filled: Filled, *, status: int = 200) -> Response:
    return render(request, "releases/new.html", status=status, person=person, filled=filled, lists=choices)


@router.post("/new")
async def begin(request: Request, form: SentForm) -> Response:
    """Name the relative."""
    if not rules.begins(form.person.rights):
        raise NoSuchPage
    try:
        made = await actions.begin(form)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.BEGIN_POINTERS)
        return _form(request, form.person, filled, status=refused.problem.status)
    said = form.person.words("The relative is named. Nothing is allowed by that yet.")
    return done(form.person, said, f"/child-releases/{made}")


@router.get("/{release_id}")
async def show_release(request: Request, person: Reads, release_id: UUID) -> Response:
    """One release: its steps, what is missing, and who may do it."""
    return await _release(request, person, release_id)


async def _release(
    request: Request, person: Person, release_id: UUID, *, filled: Filled | None = None, at: str = "", status: int = 200
) -> Response:
    """`at` names the step whose form was refused."""
    found = await queries.release(person, release_id)
    moments, pack = person.moments, person.console.pack
    local = moments.local(moments.now)
    return render(
        request,
        "releases/release.html",
        status=status,
        person=person,
        found=found,
        filled=filled or Filled(),
        at=at,
        rules=rules,
        lists=choices,
        languages_spoken=choices.languages(person.words, pack),
        areas=choices.areas(pack),
        now_local=local.strftime(_TYPED),
        # The next whole second: a handover in the second of the sign-off comes after it.
        handover_local=(local + timedelta(seconds=1)).strftime(_TYPED),
    )


@router.post("/{release_id}/{step}")
async def take_step(request: Request, form: SentForm, release_id: UUID, step: str) -> Response:
    """Take one of the steps."""
    taken = actions.STEPS.get(step)
    if taken is None or not taken.may(form.person.rights):
        raise NoSuchPage
    try:
        await actions.take(form, release_id, step)
    except Refused as refused:
        if refused.problem.status == 404:
            raise NoSuchPage from None
        filled = refilled(form, refused.problem, taken.pointers)
        status = refused.problem.status
        return await _release(request, form.person, release_id, filled=filled, at=step, status=status)
    return done(form.person, form.person.words(taken.said), f"/child-releases/{release_id}")
