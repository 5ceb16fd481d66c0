"""Owned needs, hand-overs and absences over HTTP; for staff of the network."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.idempotency import OnceRequired
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.errors import DeputiesInACircle, DeskIsAway
from services.referral.ownership import actions, queries
from services.referral.ownership.schemas import (
    AbsenceBody,
    AbsenceView,
    DeskCode,
    HandOverBody,
    HandOverView,
    OwnedNeedView,
)
from services.referral.pack.policy import RoutingPolicy

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["ownership"])
list_router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["work-lists"], responses=responses(StaffOnly))

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]
Writer = Annotated[Caller, requires("needs:write", by=STAFF)]
InPath = Annotated[DeskCode, Path(description="A desk of the country pack")]


@list_router.get("/work-lists/owned")
async def list_owned_needs(
    session: Session,
    page: PageQuery,
    caller: Reader,
    owner: Annotated[str | None, Query(description="Only needs of this desk", max_length=80)] = None,
) -> Page[OwnedNeedView]:
    """Open needs that a desk owns, the longest owned first."""
    after = None if page.after is None else (datetime.fromisoformat(page.after[0]), UUID(page.after[1]))
    rights = staff_rights_of(caller)
    views = await queries.owned_needs(session, rights, owner=owner, after=after, limit=page.limit)
    return page_of(views, request=page, cursor_of=lambda view: [view.owned_since.isoformat(), str(view.need_id)])


@router.post("/work-lists/hand-over", status_code=201, responses=responses(InvalidInput, StaffOnly))
async def hand_over(
    body: HandOverBody, session: Session, policy: Policy, once: OnceRequired, caller: Writer
) -> HandOverView:
    """Transfer needs of a desk to another: those of one returnee, selected ones, or all. Each need records it.

    Needs that the first desk does not own are not changed. A large hand-over continues in the background.
    """
    rights = staff_rights_of(caller)
    _require_desk(policy, body.from_desk, "/from")
    _require_desk(policy, body.to_desk, "/to")
    if body.from_desk == body.to_desk:
        raise InvalidInput("A desk cannot transfer needs to itself", pointer="/to")
    asked = actions.HandOver(body.from_desk, body.to_desk, body.returnee_id, body.need_ids, body.reason)
    hand_over_id = await once(session, lambda: actions.hand_over(session, policy, rights, asked, actor=caller.subject))
    return await queries.hand_over_view(session, rights, hand_over_id)


@router.get("/work-lists/hand-overs/{hand_over_id}", responses=responses(NotFound, StaffOnly))
async def read_hand_over(hand_over_id: UUID, session: Session, caller: Reader) -> HandOverView:
    """The progress of a hand-over."""
    return await queries.hand_over_view(session, staff_rights_of(caller), hand_over_id)


@router.post(
    "/desks/{desk}/absences",
    status_code=201,
    responses=responses(NotFound, InvalidInput, DeskIsAway, DeputiesInACircle, StaffOnly),
)
async def add_absence(
    desk: InPath, body: AbsenceBody, session: Session, policy: Policy, once: OnceRequired, caller: Writer
) -> AbsenceView:
    """Name a deputy for a period: its work lists also show this desk's needs. Owners and deadlines do not change."""
    staff_rights_of(caller)
    _require_known(policy, desk)
    _require_desk(policy, body.deputy, "/deputy")
    if body.deputy == desk:
        raise InvalidInput("A desk cannot be its own deputy", pointer="/deputy")
    if body.ends_at <= max(body.starts_at, now(session)):
        raise InvalidInput("An absence must end after it begins, and in the future", pointer="/ends_at")
    _require_plausible(policy, body, at=now(session))
    absence_id = await once(
        session,
        lambda: actions.add_absence(
            session,
            desk,
            deputy=body.deputy,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            reason=body.reason,
            actor=caller.subject,
        ),
    )
    return await queries.absence_view(session, absence_id)


@router.get("/desks/{desk}/absences", responses=responses(NotFound, StaffOnly))
async def list_absences(
    desk: InPath, session: Session, policy: Policy, page: PageQuery, caller: Reader
) -> Page[AbsenceView]:
    """Present and future absences of the desk, those that end earliest first."""
    staff_rights_of(caller)
    _require_known(policy, desk)
    after = None if page.after is None else (datetime.fromisoformat(page.after[0]), UUID(page.after[1]))
    views = await queries.absence_views(session, desk, after=after, limit=page.limit)
    return page_of(views, request=page, cursor_of=lambda view: [view.ends_at.isoformat(), str(view.id)])


@router.delete("/desks/{desk}/absences/{absence_id}", status_code=204, responses=responses(NotFound, StaffOnly))
async def cancel_absence(desk: InPath, absence_id: UUID, session: Session, policy: Policy, caller: Writer) -> Response:
    """End an absence now, or cancel it before it begins."""
    staff_rights_of(caller)
    _require_known(policy, desk)
    await actions.cancel_absence(session, desk, absence_id)
    return Response(status_code=204)


def _require_plausible(policy: RoutingPolicy, body: AbsenceBody, *, at: datetime) -> None:
    faults = policy.absences.starts_at.faults(body.starts_at, at=at, pointer="/starts_at")
    faults += policy.absences.ends_at.faults(body.ends_at, at=at, pointer="/ends_at")
    if faults:
        raise InvalidInput(errors=faults)


def _require_desk(policy: RoutingPolicy, desk: str, pointer: str) -> None:
    if desk not in policy.desks:
        raise InvalidInput("The country pack contains no such desk", pointer=pointer)


def _require_known(policy: RoutingPolicy, desk: str) -> None:
    if desk not in policy.desks:
        raise NotFound("There is no such desk")
