"""The pages of the desks: lists, one need, hand-overs, absences. An action leads back to the page that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from services.console.errors import NoSuchPage, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.pages import done, render
from services.console.people import Person, local_path, seen_by
from services.console.work import actions, queries
from services.console.work.rules import LISTS, Sent, WorkList, acts_of_row, reason_table

router = APIRouter(include_in_schema=False, prefix="/work")

_LONGEST_FILTER: Final = 80
_HAND_OVER: Final = {"/from": "from", "/to": "to", "/reason": "reason", "/need_ids": "need", "": "which"}
_ABSENCE: Final = {"/deputy": "deputy", "/starts_at": "starts_at", "/ends_at": "ends_at", "/reason": "reason"}


async def _staff(person: Annotated[Person, seen_by("work-lists:read")]) -> Person:
    if not person.rights.staff:
        raise NoSuchPage
    return person


async def _reader(person: Annotated[Person, seen_by("work-lists:read", "referrals:read")]) -> Person:
    return await _staff(person)


Desk = Annotated[Person, Depends(_staff)]
Reader = Annotated[Person, Depends(_reader)]
DeskCode = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,60}$")]


@router.get("")
async def show_overview(request: Request, person: Desk) -> Response:
    """The length of each list, and the queue of each stage."""
    page = await queries.overview(person)
    return render(request, "work/overview.html", person=person, page=page, lists=LISTS.values(), numbers=page.numbers)


@router.get("/hand-over")
async def show_hand_over(
    request: Request,
    person: Desk,
    need: Annotated[list[str], Query()] = [],  # noqa: B006 (FastAPI copies it)
    returnee: UUID | None = None,
    owner: str = "",
) -> Response:
    """The form for handing needs over: chosen ones, those of one person, or all of a desk."""
    _require(person, "needs:write")
    person_id = None if returnee is None else str(returnee)
    return await _hand_over_page(request, person, Filled(), chosen=need, returnee_id=person_id, owner=owner)


async def _hand_over_page(
    request: Request,
    person: Person,
    filled: Filled,
    *,
    chosen: Sequence[str],
    returnee_id: str | None,
    owner: str = "",
    status: int = 200,
) -> Response:
    desks = await queries.desks_of(person)
    owners = list(dict.fromkeys(one.partition(":")[0] for one in chosen))
    return render(
        request,
        "work/hand_over.html",
        status=status,
        person=person,
        filled=filled,
        desks=desks,
        chosen=chosen,
        owners=owners,
        sender=owner or next(iter(owners), "") or next(iter(sorted(desks.mine)), ""),
        returnee_id=returnee_id,
    )


@router.post("/hand-over")
async def hand_over(request: Request, form: SentForm) -> Response:
    """Hand needs over; then the page shows how far it is."""
    _require(form.person, "needs:write")
    try:
        id = await actions.hand_over(form)
    except Refused as refused:
        filled = refilled(form, refused.problem, _HAND_OVER)
        return await _hand_over_page(
            request,
            form.person,
            filled,
            chosen=form.all("need"),
            returnee_id=form.optional("returnee_id"),
            status=refused.problem.status,
        )
    return done(form.person, form.person.words("The hand-over has begun."), f"/work/hand-overs/{id}")


@router.get("/hand-overs/{hand_over_id}")
async def show_hand_over_progress(request: Request, person: Desk, hand_over_id: UUID) -> Response:
    """How far a hand-over is. The page refreshes itself until it is finished."""
    found, desks = await queries.hand_over(person, hand_over_id)
    return render(request, "work/hand_over_progress.html", person=person, found=found, desks=desks)


@router.get("/absences")
async def show_absences(request: Request, person: Desk, desk: str | None = None) -> Response:
    """The absences of a desk, and the form for a new one."""
    return await _absences_page(request, person, desk)


async def _absences_page(
    request: Request, person: Person, desk: str | None, filled: Filled | None = None, *, status: int = 200
) -> Response:
    page = await queries.absences(person, desk)
    return render(
        request,
        "work/absences.html",
        status=status,
        person=person,
        page=page,
        filled=filled or Filled(),
        now=person.moments.local(person.moments.now).strftime("%Y-%m-%dT%H:%M"),
    )


@router.post("/desks/{desk}/absences")
async def add_absence(request: Request, form: SentForm, desk: DeskCode) -> Response:
    """Name a deputy for a period."""
    _require(form.person, "needs:write")
    try:
        await actions.add_absence(form, desk)
    except Refused as refused:
        filled = refilled(form, refused.problem, _ABSENCE)
        return await _absences_page(request, form.person, desk, filled, status=refused.problem.status)
    return done(form.person, form.person.words("The absence was recorded."), f"/work/absences?desk={desk}")


@router.post("/desks/{desk}/absences/{absence_id}/remove")
async def remove_absence(form: SentForm, desk: DeskCode, absence_id: UUID) -> Response:
    """End an absence now, or cancel it before it begins."""
    _require(form.person, "needs:write")
    await actions.remove_absence(form, desk, absence_id)
    return done(form.person, form.person.words("The absence was ended."), f"/work/absences?desk={desk}")


@router.get("/needs/{need_id}")
async def show_need(request: Request, person: Reader, need_id: UUID, back: str = "/work") -> Response:
    """One need with everything that a desk can do."""
    return await _need_page(request, person, need_id, back=local_path(back, "/work"))


@router.post("/needs/{need_id}/services")
async def find_services(request: Request, form: SentForm, need_id: UUID) -> Response:
    """The same page with services that have this in their name, to choose from. Changes nothing."""
    _require(form.person, "work-lists:read", "referrals:read", "referrals:write", "directory:read")
    back = local_path(form.text("back"), "/work")
    return await _need_page(request, form.person, need_id, back=back, find=form.text("text"))


@router.post("/{of}/{id}/{step}")
async def act(request: Request, form: SentForm, of: str, id: UUID, step: str) -> Response:
    """Carry out an action, and go back. A refusal is shown on the page of the need, beside the action."""
    wanted = actions.act_of(form, of, step)
    back = local_path(form.text("back"), "/work")
    try:
        await actions.carry_out(form, wanted, id)
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.pointers_of(wanted, form))
        shown = await _refused(
            request, form, Sent(step, str(id), filled), back, need_id=str(id) if of == "needs" else None
        )
        if shown is None:
            raise
        return shown
    return done(form.person, form.person.words(wanted.done), back)


async def _refused(request: Request, form: Form, sent: Sent, back: str, *, need_id: str | None) -> Response | None:
    problem = sent.filled.problem
    status = 409 if problem is None else problem.status
    told = need_id or form.text("need_id")
    try:
        need = UUID(told)
    except ValueError:
        if sent.act != "resolve":
            return None
        return await _list_page(request, form.person, LISTS["reviews"], {}, None, sent=sent, status=status)
    find = form.text("text") if sent.act == "override" else None
    return await _need_page(request, form.person, need, back=back, sent=sent, find=find, status=status)


async def _need_page(
    request: Request,
    person: Person,
    need_id: UUID,
    *,
    back: str,
    sent: Sent | None = None,
    find: str | None = None,
    status: int = 200,
) -> Response:
    page = await queries.need_page(person, need_id, back=back, sent=sent, find=find)
    return render(request, "work/need.html", status=status, person=person, page=page, back=back)


@router.get("/{work_list}")
async def show_list(request: Request, person: Desk, work_list: str, after: str | None = None) -> Response:
    """One list."""
    one = LISTS.get(work_list)
    if one is None:
        raise NoSuchPage
    told = {filter: request.query_params.get(filter, "").strip() for filter in one.filters}
    chosen = {filter: value for filter, value in told.items() if 0 < len(value) <= _LONGEST_FILTER}
    return await _list_page(request, person, one, chosen, after)


async def _list_page(
    request: Request,
    person: Person,
    one: WorkList,
    chosen: Mapping[str, str],
    after: str | None,
    *,
    sent: Sent | None = None,
    status: int = 200,
) -> Response:
    page = await queries.list_page(person, one, chosen, after=after, sent=sent)
    query = request.url.query if request.method == "GET" else ""
    back = f"/work/{one.name}" + (f"?{query}" if query else "")
    return render(
        request,
        "work/list.html",
        status=status,
        person=person,
        page=page,
        lists=LISTS.values(),
        numbers=page.numbers,
        back=back,
        reason_table=reason_table,
        acts_of=lambda row: acts_of_row(person.rights, row, back=back, sent=sent),
    )


def _require(person: Person, *scopes: str) -> None:
    if not person.rights.staff or not person.may(*scopes):
        raise NoSuchPage
