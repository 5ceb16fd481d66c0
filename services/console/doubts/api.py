"""Pages for the intake desk."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.doubts import actions, queries, rules
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, render
from services.console.people import Person, seen_by

router = APIRouter(prefix="/reception/doubts", include_in_schema=False)
Decides = Annotated[Person, seen_by("intake:decide")]
After = Annotated[str | None, Query(max_length=2000)]


def _require(form: Form) -> None:
    if not form.person.may("intake:decide"):
        raise NoSuchPage


@router.get("")
async def show_doubts(request: Request, person: Decides, after: After = None, claims_after: After = None) -> Response:
    """What waits for a decision."""
    return await _doubts(request, person, Filled(), after=after, claims_after=claims_after)


async def _doubts(
    request: Request,
    person: Person,
    filled: Filled,
    *,
    after: str | None = None,
    claims_after: str | None = None,
    at: str = "",
    status: int = 200,
) -> Response:
    """`at` is the id of the claim at which the refusal in `filled` is shown."""
    waiting = await queries.waiting(person, after=after, claims_after=claims_after)
    return render(
        request, "doubts/doubts.html", status=status, person=person, waiting=waiting, filled=filled, at=at, rules=rules
    )


@router.get("/{part_id}")
async def show_part(request: Request, person: Decides, part_id: UUID) -> Response:
    """One part with its value, and the form that closes it."""
    return await _part(request, person, part_id, Filled())


async def _part(request: Request, person: Person, part_id: UUID, filled: Filled, status: int = 200) -> Response:
    part = await queries.doubtful_part(person, part_id)
    return render(
        request,
        "doubts/part.html",
        status=status,
        person=person,
        part=part,
        filled=filled,
        lists=choices,
        rules=rules,
    )


@router.post("/{part_id}/close")
async def close(request: Request, form: SentForm, part_id: UUID) -> Response:
    """Record what was done about a part."""
    _require(form)
    try:
        await actions.close(form, part_id)
    except Refused as refused:
        if refused.problem.status == 404:
            raise NoSuchPage from None
        filled = refilled(form, refused.problem, actions.POINTERS)
        return await _part(request, form.person, part_id, filled, refused.problem.status)
    return done(form.person, form.person.words("It is closed."), "/reception/doubts")


@router.post("/households/{claim_id}")
async def decide(request: Request, form: SentForm, claim_id: UUID) -> Response:
    """Record whether a person belongs to a household."""
    _require(form)
    try:
        await actions.decide(form, claim_id)
    except Refused as refused:
        if refused.problem.status == 404:
            raise NoSuchPage from None
        filled = refilled(form, refused.problem)
        return await _doubts(request, form.person, filled, at=str(claim_id), status=refused.problem.status)
    return done(form.person, form.person.words("The decision is recorded."), "/reception/doubts")
