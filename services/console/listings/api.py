"""Pages that change listings: a form, a confirmed step, an accreditation or agreement."""

from __future__ import annotations

import re
from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.calls import Answer
from services.console.directory import queries as directory_queries
from services.console.directory import rules as directory
from services.console.errors import FieldFault, NoSuchPage, Problem, Refused
from services.console.filled import Filled
from services.console.forms import SentForm, refilled
from services.console.listings import actions, queries, rules
from services.console.listings.queries import Kind
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson

router = APIRouter(prefix="/directory", include_in_schema=False)
Stepping = Literal["organizations", "services"]
Step = Literal["suspend", "resume", "withdraw"]
_CODE: Final = re.compile("[a-z][a-z0-9_]{1,39}")


async def _form(
    request: Request, person: Person, kind: Kind, id: UUID, read: Answer, filled: Filled, status: int = 200
) -> Response:
    shown = await queries.form_choices(person, kind, read.body)
    return render(
        request,
        f"listings/{kind}.html",
        status=status,
        person=person,
        row=read.body,
        # A form that was sent keeps the version on which it is based.
        etag=filled.value("etag") or read.etag,
        filled=filled,
        back=f"/directory/{kind}/{id}",
        days=rules.DAYS,
        **shown,
    )


@router.get("/{kind}/{id}/edit")
async def edit_form(request: Request, person: SignedInPerson, kind: Kind, id: UUID) -> Response:
    """The form of a listing."""
    read = await queries.own(person, kind, id)
    return await _form(request, person, kind, id, read, Filled(values=queries.values_of(kind, read.body)))


@router.post("/{kind}/{id}/edit")
async def edit(request: Request, form: SentForm, kind: Kind, id: UUID) -> Response:
    """Replace a listing."""
    read = await queries.own(form.person, kind, id)
    try:
        await actions.replace(form, kind, id, read.body)
    except Refused as refused:
        filled = refilled(form, refused.problem, {**rules.POINTERS, **rules.day_pointers()})
        if refused.problem.code == "version-mismatch":
            # Whoever sends the form again has seen the message and decides so.
            filled = Filled({**filled.values, "etag": [read.etag or ""]}, filled.problem, filled.pointers)
        return await _form(request, form.person, kind, id, read, filled, refused.problem.status)
    return done(form.person, form.person.words("The change is stored."), f"/directory/{kind}/{id}")


@router.post("/organizations/{organization_id}/validity")
async def record_validity(request: Request, form: SentForm, organization_id: UUID) -> Response:
    """Record an accreditation or agreement."""
    person = form.person
    if not directory.administers(person.rights) or form.text("kind") not in ("accreditations", "agreements"):
        raise NoSuchPage
    try:
        if not _CODE.fullmatch(form.text("category")):
            missing = [FieldFault("/category", "missing", "")]
            raise Refused(Problem("provider_directory", 422, "invalid-input", "", missing))
        await actions.record_validity(form, organization_id)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.VALIDITY_POINTERS)
        return await _organization(request, person, organization_id, filled, refused.problem.status)
    said = person.words("The last valid day is recorded.")
    return done(person, said, f"/directory/organizations/{organization_id}")


async def _organization(
    request: Request, person: Person, organization_id: UUID, filled: Filled, status: int
) -> Response:
    found = await directory_queries.organization(person, str(organization_id))
    today = person.moments.now.astimezone(person.moments.zone).date().isoformat()
    naming = directory_queries.naming(person)
    return render(
        request,
        "directory/organization.html",
        status=status,
        person=person,
        filled=filled,
        today=today,
        **found,
        **naming,
    )


async def _stepping(person: Person, kind: Stepping, id: UUID) -> Answer:
    """A listing whose status the person may change. Raises NoSuchPage."""
    read = await queries.own_status(person, kind, id)
    if kind == "organizations" and not directory.administers(person.rights):
        raise NoSuchPage
    return read


@router.get("/{kind}/{id}/{step}")
async def step_form(request: Request, person: SignedInPerson, kind: Stepping, id: UUID, step: Step) -> Response:
    """What a step means, and the button that takes it."""
    read = await _stepping(person, kind, id)
    return _confirm(request, person, kind, read, step, Filled())


def _confirm(
    request: Request, person: Person, kind: Stepping, read: Answer, step: Step, filled: Filled, status: int = 200
) -> Response:
    return render(
        request,
        "listings/step.html",
        status=status,
        person=person,
        row=read.body,
        etag=read.etag,
        step=step,
        filled=filled,
        back=f"/directory/{kind}/{read.body['id']}",
        effects=f"{kind.removesuffix('s')}_step_effect",
        allowed=step in directory.STEPS[read.body["status"]],
    )


@router.post("/{kind}/{id}/{step}")
async def take_step(request: Request, form: SentForm, kind: Stepping, id: UUID, step: Step) -> Response:
    """Suspend, resume or withdraw."""
    read = await _stepping(form.person, kind, id)
    try:
        await actions.take_step(form, kind, id, read.body, step)
    except Refused as refused:
        filled = refilled(form, refused.problem)
        return _confirm(request, form.person, kind, read, step, filled, refused.problem.status)
    said = directory_queries.step_done(form.person, step)
    return done(form.person, said, f"/directory/{kind}/{id}")
