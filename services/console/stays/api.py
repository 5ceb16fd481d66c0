"""Pages for stays. The list is for providers; staff come to one stay from its case."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import SentForm, refilled
from services.console.pages import done, render
from services.console.people import Person, seen_by
from services.console.stays import actions, queries, rules

router = APIRouter(include_in_schema=False)


@router.get("/stays")
async def read_stays(
    request: Request,
    person: Annotated[Person, seen_by("offers:answer", "referrals:read")],
    after: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The present stays."""
    if person.rights.organization_id is None:
        raise NoSuchPage
    return render(request, "stays/list.html", person=person, **await queries.running(person, after=after))


async def _stay(
    request: Request,
    person: Person,
    referral_id: UUID,
    *,
    planned: Filled | None = None,
    extended: Filled | None = None,
    status: int = 200,
) -> Response:
    """`planned`, `extended`: what was typed into one of the two forms, after a refusal."""
    shown: dict[str, Any] = await queries.one(person, str(referral_id))
    forms = {"filled": planned or Filled(), "extension": extended or Filled()}
    return render(request, "stays/stay.html", person=person, status=status, **shown, **forms)


@router.get("/stays/{referral_id}")
async def read_stay(
    request: Request, person: Annotated[Person, seen_by("referrals:read")], referral_id: UUID
) -> Response:
    """One stay with its exit plan."""
    return await _stay(request, person, referral_id)


@router.post("/stays/{referral_id}")
async def plan_exit(request: Request, form: SentForm, referral_id: UUID) -> Response:
    """Replace the exit plan."""
    if not form.person.may("referrals:read", "referrals:write"):
        raise NoSuchPage
    try:
        await actions.plan_exit(form, str(referral_id))
    except Refused as refused:
        filled = refilled(form, refused.problem, rules.POINTERS)
        return await _stay(request, form.person, referral_id, planned=filled, status=refused.problem.status)
    return done(form.person, form.person.words("The exit plan was saved."), f"/stays/{referral_id}")


@router.post("/stays/{referral_id}/extend")
async def extend_stay(request: Request, form: SentForm, referral_id: UUID) -> Response:
    """Make the stay longer."""
    if not (form.person.rights.staff and form.person.may("referrals:read", "referrals:write")):
        raise NoSuchPage
    try:
        await actions.extend_stay(form, str(referral_id))
    except Refused as refused:
        filled = refilled(form, refused.problem, rules.EXTENSION_POINTERS)
        return await _stay(request, form.person, referral_id, extended=filled, status=refused.problem.status)
    return done(form.person, form.person.words("The stay was extended."), f"/stays/{referral_id}")
