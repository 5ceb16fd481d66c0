"""Pages for exports of people. The pages contain criteria, codes and times; who the people are is in the file alone.

Who asks and who approves have rights of their own. Addresses contain the id of an export and its kind alone.
"""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from babel.dates import format_date
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Refused
from services.console.exports import actions, queries, rules
from services.console.filled import Filled
from services.console.forms import Form, refilled, sent_by
from services.console.pages import done, render
from services.console.people import Person, seen_by
from services.console.taxonomy import active_organizations

router = APIRouter(prefix="/exports", include_in_schema=False)
ASKS: Final = ("exports:read", "exports:write")
APPROVES: Final = ("exports:read", "exports:approve")
After = Annotated[str | None, Query(max_length=2000)]


Reads = Annotated[Person, seen_by("exports:read", staff=True)]
Asks = Annotated[Person, seen_by(*ASKS, staff=True)]
Asking = Annotated[Form, sent_by(*ASKS, staff=True)]
Approving = Annotated[Form, sent_by(*APPROVES, staff=True)]


@router.get("")
async def list_exports(request: Request, person: Reads, waiting: bool = False, after: After = None) -> Response:
    """One's own exports; for who approves, all of them."""
    found = await queries.exports(person, waiting=waiting, after=after)
    return render(request, "exports/list.html", person=person, found=found, waiting=waiting, rules=rules)


@router.get("/new")
async def export_form(request: Request, person: Asks, kind: str = rules.DEIDENTIFIED) -> Response:
    """The form that asks for an export: de-identified, unless the other kind is chosen."""
    return await _form(request, person, kind, Filled())


async def _form(request: Request, person: Person, kind: str, filled: Filled, *, status: int = 200) -> Response:
    if kind not in rules.PURPOSES:
        raise NoSuchPage
    months = rules.months_over(person.moments.now.astimezone(person.console.pack.zone).date())
    names = [format_date(first, "MMMM y", locale=person.words.locale) for first, _ in months]
    return render(
        request,
        "exports/new.html",
        status=status,
        person=person,
        kind=kind,
        filled=filled,
        rules=rules,
        lists=choices,
        purposes=[one for one in choices.coded(person.words, "consent_purpose") if one[0] in rules.PURPOSES[kind]],
        first_days=[(first.isoformat(), name) for (first, _), name in zip(months, names, strict=True)],
        last_days=[(last.isoformat(), name) for (_, last), name in zip(months, names, strict=True)],
        places=rules.places_by_name(person.console.pack.reception_places),
        organizations=await active_organizations(person) if kind == rules.IDENTIFIED else [],
    )


@router.post("/new")
async def ask_for_export(request: Request, form: Asking) -> Response:
    """Ask for it."""
    kind, words = form.text("kind"), form.person.words
    if kind not in rules.PURPOSES:
        raise NoSuchPage
    try:
        made = await actions.ask(form, kind)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.POINTERS)
        return await _form(request, form.person, kind, filled, status=refused.problem.status)
    asked = words("You have asked for the export. A second person decides about it.")
    said = asked if kind == rules.IDENTIFIED else words("The export is ready.")
    return done(form.person, said, f"/exports/{made}")


@router.get("/{export_id}")
async def show_export(request: Request, person: Reads, export_id: UUID) -> Response:
    """One export: what is in it, for whom, its state, its end, and who downloaded it when."""
    return await _export(request, person, export_id, Filled())


async def _export(request: Request, person: Person, export_id: UUID, filled: Filled, *, status: int = 200) -> Response:
    found = await queries.export(person, export_id)
    places = list(dict.fromkeys(person.console.pack.place(code) for code in found.row["reception_places"]))
    return render(
        request,
        "exports/export.html",
        status=status,
        person=person,
        found=found,
        places=places,
        filled=filled,
        rules=rules,
    )


async def _refused(request: Request, form: Form, export_id: UUID, refused: Refused) -> Response:
    if refused.problem.status == 404:
        raise NoSuchPage
    filled = refilled(form, refused.problem)
    return await _export(request, form.person, export_id, filled, status=refused.problem.status)


@router.post("/{export_id}/decision")
async def decide(request: Request, form: Approving, export_id: UUID) -> Response:
    """Approve or reject it as the second person."""
    decision, words = form.text("decision"), form.person.words
    if decision not in actions.DECISIONS:
        raise NoSuchPage
    try:
        await actions.decide(form, export_id, decision)
    except Refused as refused:
        return await _refused(request, form, export_id, refused)
    approved = words("The export is approved. Who asked for it can download it until its end.")
    said = approved if decision == "approve" else words("The export is rejected. There is no file.")
    return done(form.person, said, f"/exports/{export_id}")


@router.post("/{export_id}/file")
async def download(request: Request, form: Asking, export_id: UUID) -> Response:
    """The file. It is a form and no link, because each download counts, and a browser may load a link beforehand."""
    try:
        file = await queries.file_of(form.person, export_id)
    except Refused as refused:
        return await _refused(request, form, export_id, refused)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.content, media_type="text/csv; charset=utf-8", headers=headers)
