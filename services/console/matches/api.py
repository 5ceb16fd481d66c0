"""Pages about records that may be one person. Addresses contain the id of the pair alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.labels import LABELS
from services.console.matches import actions, queries, rules
from services.console.pages import done, render
from services.console.people import Person, seen_by

router = APIRouter(prefix="/matches", include_in_schema=False)
Compares = Annotated[Person, seen_by("matches:read")]
After = Annotated[str | None, Query(max_length=2000)]
Status = Annotated[str, Query(max_length=20)]


def _require(form: Form) -> None:
    if not form.person.may("matches:read", "matches:decide"):
        raise NoSuchPage


@router.get("")
async def list_matches(
    request: Request, person: Compares, status: Status = rules.OPEN, after: After = None
) -> Response:
    """The pairs that wait for a decision, or that were decided in this way."""
    if status not in LABELS["match_status"]:
        raise NoSuchPage
    found = await queries.waiting(person, status=status, after=after)
    tabs = choices.coded(person.words, "match_status")
    return render(request, "matches/list.html", person=person, found=found, status_shown=status, tabs=tabs)


@router.get("/{match_id}")
async def show_match(request: Request, person: Compares, match_id: UUID) -> Response:
    """Two records side by side, and the forms that decide."""
    return await _match(request, person, match_id)


async def _match(
    request: Request, person: Person, match_id: UUID, *, filled: Filled | None = None, at: str = "", status: int = 200
) -> Response:
    """`at` names the form at which the refusal in `filled` is shown. The others stay empty."""
    found = await queries.compared(person, match_id)
    return render(
        request,
        "matches/match.html",
        status=status,
        person=person,
        found=found,
        filled=filled or Filled(),
        at=at,
        rules=rules,
        lists=choices,
    )


async def _refused(
    request: Request, form: Form, match_id: UUID, refused: Refused, pointers: Mapping[str, str], at: str
) -> Response:
    if refused.problem.status == 404:
        raise NoSuchPage
    filled = refilled(form, refused.problem, pointers)
    return await _match(request, form.person, match_id, filled=filled, at=at, status=refused.problem.status)


@router.post("/{match_id}/merge")
async def merge(request: Request, form: SentForm, match_id: UUID) -> Response:
    """Both records are one person."""
    _require(form)
    try:
        await actions.merge(form, match_id)
    except Refused as refused:
        return await _refused(request, form, match_id, refused, actions.MERGE_POINTERS, "merge")
    said = form.person.words("The two records are one person now. Nothing of either record is lost.")
    return done(form.person, said, f"/matches/{match_id}")


@router.post("/{match_id}/different")
async def tell_apart(request: Request, form: SentForm, match_id: UUID) -> Response:
    """The records are two people."""
    _require(form)
    try:
        await actions.tell_apart(form, match_id)
    except Refused as refused:
        return await _refused(request, form, match_id, refused, actions.DIFFERENT_POINTERS, "different")
    return done(form.person, form.person.words("It is recorded that these are two people."), "/matches")


@router.post("/{match_id}/unmerge/{returnee_id}")
async def unmerge(request: Request, form: SentForm, match_id: UUID, returnee_id: UUID) -> Response:
    """The merge was wrong."""
    _require(form)
    try:
        await actions.unmerge(form, returnee_id)
    except Refused as refused:
        return await _refused(request, form, match_id, refused, actions.DIFFERENT_POINTERS, "unmerge")
    said = form.person.words("The merge is undone. Both records continue as they were.")
    return done(form.person, said, f"/matches/{match_id}")
