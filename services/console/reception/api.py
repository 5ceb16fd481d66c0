"""Pages for the reception: flights and buses, registration, search."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console import choices
from services.console.errors import NoSuchPage, Problem, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, go, render
from services.console.people import Person, local_path, seen_by
from services.console.reception import actions, queries, rules

RECEIVING: Final = ("arrivals:read", "returnees:write")
"""Who only corrects data, with `returnees:write` alone, receives nobody."""
router = APIRouter(prefix="/reception", include_in_schema=False)
Receives = Annotated[Person, seen_by(*RECEIVING)]
Searches = Annotated[Person, seen_by("returnees:read")]
After = Annotated[str | None, Query(max_length=2000)]


def _require(form: Form, *scopes: str) -> None:
    if not form.person.may(*scopes):
        raise NoSuchPage


@router.get("")
async def overview(
    request: Request, person: Receives, after: After = None, every: Annotated[bool, Query(alias="all")] = False
) -> Response:
    """The flights and buses of today, or all of them."""
    found = await (queries.overview_of_all(person, after) if every else queries.overview_of_today(person))
    return render(request, "reception/overview.html", person=person, overview=found, every=every, rules=rules)


@router.get("/batches/{batch_id}")
async def batch(
    request: Request, person: Receives, batch_id: UUID, show: Annotated[str, Query()] = "", after: After = None
) -> Response:
    """One flight or bus with its manifest."""
    return await _batch_page(request, person, batch_id, show=show if show in rules.SHOWN else "", after=after)


async def _batch_page(
    request: Request,
    person: Person,
    batch_id: UUID,
    *,
    show: str = "",
    after: str | None = None,
    at: str = "",
    filled: Filled | None = None,
    status: int = 200,
) -> Response:
    """`at` says where on the page the refusal in `filled` is shown: at a button, or at the row of an entry."""
    page = await queries.batch_page(person, batch_id, show=show, after=after)
    return _shown(request, person, page, at=at, filled=filled, status=status)


def _shown(
    request: Request,
    person: Person,
    page: queries.BatchPage,
    *,
    at: str = "",
    filled: Filled | None = None,
    status: int = 200,
) -> Response:
    if page.batch.problem is not None:
        raise Refused(page.batch.problem)
    batch = None if page.batch.value is None else page.batch.value.body
    return render(
        request,
        "reception/batch.html",
        status=status,
        person=person,
        page=page,
        batch=batch,
        at=at,
        filled=filled or Filled(),
        rules=rules,
    )


@router.post("/batches/{batch_id}/find")
async def find_in_batch(request: Request, form: SentForm, batch_id: UUID) -> Response:
    """The entries of the manifest with a typed name. It is a POST, so that no name is in an address."""
    _require(form, "arrivals:read", "returnees:write")
    page = await queries.found_in_batch(form.person, batch_id, name=form.text("name")[:120])
    return _shown(request, form.person, page)


@router.post("/batches/{batch_id}/land")
async def land(request: Request, form: SentForm, batch_id: UUID) -> Response:
    """The flight or bus has landed."""
    _require(form, "arrivals:write")
    try:
        await actions.land(form, batch_id)
    except Refused as refused:
        return await _refused_at(request, form, batch_id, "land", refused.problem)
    return done(form.person, form.person.words("The landing is recorded."), _back(form, batch_id))


@router.post("/batches/{batch_id}/complete")
async def complete(request: Request, form: SentForm, batch_id: UUID) -> Response:
    """Nobody else is expected."""
    _require(form, "arrivals:write")
    try:
        await actions.complete_intake(form, batch_id)
    except Refused as refused:
        return await _refused_at(request, form, batch_id, "complete", refused.problem)
    said = form.person.words("The intake is completed. The search for help begins for all of them.")
    return done(form.person, said, _back(form, batch_id))


@router.post("/batches/{batch_id}/entries/{entry_id}/absent")
async def absent(request: Request, form: SentForm, batch_id: UUID, entry_id: UUID) -> Response:
    """An announced person has not come."""
    _require(form, "arrivals:write")
    try:
        await actions.mark_absent(form, batch_id, entry_id)
    except Refused as refused:
        return await _refused_at(request, form, batch_id, str(entry_id), refused.problem)
    return done(form.person, form.person.words("The person is marked as absent."), _back(form, batch_id))


async def _refused_at(request: Request, form: Form, batch_id: UUID, at: str, problem: Problem) -> Response:
    if problem.status == 404:
        raise NoSuchPage
    filled = refilled(form, problem, actions.LAND_POINTERS)
    return await _batch_page(request, form.person, batch_id, at=at, filled=filled, status=problem.status)


def _back(form: Form, batch_id: UUID) -> str:
    return local_path(form.text("back"), f"/reception/batches/{batch_id}")


@router.get("/register")
async def registration(
    request: Request,
    person: Receives,
    batch: Annotated[UUID | None, Query()] = None,
    entry: Annotated[UUID | None, Query()] = None,
) -> Response:
    """The form for one person: from an entry of a manifest, of a flight or bus, or of somebody who came alone."""
    found = await queries.arriving(person, batch, entry)
    if found.batch.problem is not None:
        raise Refused(found.batch.problem)
    if found.entry is not None and found.entry["returnee_id"] and person.may("returnees:read"):
        return done(person, person.words("This person is registered already."), _person(found.entry["returnee_id"]))
    return _registration(request, person, found, batch, entry, Filled())


def _registration(
    request: Request,
    person: Person,
    found: queries.Arriving,
    batch_id: UUID | None,
    entry_id: UUID | None,
    filled: Filled,
    status: int = 200,
) -> Response:
    pack, words = person.console.pack, person.words
    batch: Any = None if found.batch.value is None else found.batch.value.body
    return render(
        request,
        "reception/register.html",
        status=status,
        person=person,
        found=found,
        batch=batch,
        batch_id=batch_id,
        entry_id=entry_id,
        filled=filled,
        start=rules.from_entry(found.entry),
        prefilled=found.entry is not None and filled.problem is None,
        arrived_at=(batch or {}).get("landed_at") or person.moments.now.isoformat(timespec="seconds"),
        places=[] if batch_id is not None else choices.own_places(person),
        countries=choices.countries(words),
        spoken=choices.languages(words, pack),
        own_language=choices.own_language(pack),
        lists=choices,
    )


@router.post("/register")
async def register(request: Request, form: SentForm) -> Response:
    """Register the person. Somebody who was registered from the same entry meanwhile is shown instead."""
    _require(form, *RECEIVING)
    person, batch, entry = form.person, _uuid(form.text("batch")), _uuid(form.text("entry"))
    if batch and entry and person.may("returnees:read"):
        row = await queries.entry_of(person, batch, entry)
        if row is not None and row["returnee_id"]:
            return done(person, person.words("This person is registered already."), _person(row["returnee_id"]))
    try:
        registered = await actions.register(form)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.REGISTER_POINTERS)
        found = await queries.arriving(person, batch, None)
        return _registration(request, person, found, batch, entry, filled, refused.problem.status)
    if not person.may("returnees:read"):
        said = person.words("Registered. The case code is %(code)s.", code=registered["case_code"])
        return done(person, said, "/reception")
    return go(f"{_person(registered['id'])}?new=yes")


def _person(returnee_id: str) -> str:
    return f"/reception/people/{returnee_id}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@router.get("/search")
async def search_form(request: Request, person: Searches) -> Response:
    """The form for finding a person."""
    return render(request, "reception/search.html", person=person, filled=Filled(), found=None, empty=False)


@router.post("/search")
async def search(request: Request, form: SentForm) -> Response:
    """The people who match. It is a POST, so that no name is in an address."""
    _require(form, "returnees:read")
    empty = not any(map(form.text, ("case_code", "names", "document_number")))
    found: Any = None
    filled, status = Filled(values=form.fields), 422 if empty else 200
    if not empty:
        try:
            found = await actions.search(form)
        except Refused as refused:
            filled, status = refilled(form, refused.problem, actions.SEARCH_POINTERS), refused.problem.status
    return render(
        request, "reception/search.html", status=status, person=form.person, filled=filled, found=found, empty=empty
    )
