"""Stays over HTTP. A provider updates the exit plans of its own stays; staff see all stays and extend them."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import OnceOptional
from libs.chassis.paging import Page, PageQuery, PageRequest, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF, STAFF, StaffOnly
from services.referral.access import Policy, rights_of, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.errors import ExtensionTooLong, ExtensionTooShort, OfferIsHalted, StepNotAllowed
from services.referral.pack.policy import RoutingPolicy
from services.referral.stays import actions, queries
from services.referral.stays.queries import BEGINNING, Cursor, Watch
from services.referral.stays.rules import day_of
from services.referral.stays.schemas import (
    ExtendBody,
    PlanBody,
    StayCountsView,
    StayEntryView,
    StayView,
    WatchedStayView,
)

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["stays"])

Reader = Annotated[Caller, requires("referrals:read", by=ORGANIZATIONS_AND_STAFF)]
Writer = Annotated[Caller, requires("referrals:write", by=ORGANIZATIONS_AND_STAFF)]
Lengthener = Annotated[Caller, requires("referrals:write", by=STAFF)]
Watcher = Annotated[Caller, requires("work-lists:read", by=STAFF)]
Desk = Annotated[str | None, Query(description="Only stays for which this desk is responsible", max_length=80)]
Within = Annotated[
    int | None, Query(ge=0, le=720, description="Hours before the end; default: the value of the country pack")
]
StillThere = Annotated[bool | None, Query(description="Only people who are still there, or only people who have left")]


@router.get("/stays")
async def list_stays(session: Session, page: PageQuery, caller: Reader) -> Page[StayEntryView]:
    """Present stays, the earliest end first. A provider sees its own."""
    views = await queries.running_stays(session, rights_of(caller), after=_cursor(page), limit=page.limit)
    return page_of(views, request=page, cursor_of=_cursor_of)


@router.get("/referrals/{referral_id}/stay", responses=responses(NotFound))
async def read_stay(referral_id: UUID, session: Session, caller: Reader, response: Response) -> StayView:
    """The stay of a referral whose service has started: its end and the exit plan. 404 if the service has no stay."""
    return await _view(session, caller, referral_id, response)


@router.put(
    "/referrals/{referral_id}/stay",
    responses=responses(NotFound, StepNotAllowed, StaffOnly, VersionMismatch, PreconditionRequired),
)
async def plan_exit(
    referral_id: UUID,
    body: PlanBody,
    session: Session,
    policy: Policy,
    condition: IfMatch,
    caller: Writer,
    response: Response,
) -> StayView:
    """Update the exit plan: the next step and the state of each item. After the end only staff may do this."""
    rights = rights_of(caller)
    await actions.plan_exit(session, policy, rights, referral_id, body, condition=condition, actor=caller.subject)
    return await _view(session, caller, referral_id, response)


@router.post(
    "/referrals/{referral_id}/stay/extend",
    responses=responses(NotFound, StepNotAllowed, StaffOnly, ExtensionTooLong, ExtensionTooShort, OfferIsHalted),
)
async def extend_stay(
    referral_id: UUID,
    body: ExtendBody,
    session: Session,
    policy: Policy,
    once: OnceOptional,
    caller: Lengthener,
    response: Response,
) -> StayView:
    """Extend the stay, with a reason: its end and alarms move, and the provider is notified."""
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.extend_stay(session, policy, rights, referral_id, body, actor=caller.subject))
    return await _view(session, caller, referral_id, response)


@router.get("/work-lists/leaving-without-next-step", responses=responses(StaffOnly))
async def list_leaving_without_next_step(
    session: Session,
    page: PageQuery,
    policy: Policy,
    caller: Watcher,
    desk: Desk = None,
    within_hours: Within = None,
    still_there: StillThere = None,
) -> Page[WatchedStayView]:
    """People who leave soon or have left with an incomplete exit plan. A complete plan removes them from the list."""
    at = now(session)
    views = await queries.leaving_without_next_step(
        session,
        staff_rights_of(caller),
        _watch(policy, desk),
        at=at,
        until=at + _ahead(policy, within_hours),
        still_there=still_there,
        after=_cursor(page),
        limit=page.limit,
    )
    return page_of(views, request=page, cursor_of=_cursor_of)


@router.get("/work-lists/exits-today", responses=responses(StaffOnly))
async def list_exits_today(
    session: Session, page: PageQuery, policy: Policy, caller: Watcher, desk: Desk = None
) -> Page[WatchedStayView]:
    """Stays that end or ended today, and overdue stays, in the time zone of the reception."""
    at = now(session)
    views = await queries.exits(
        session,
        staff_rights_of(caller),
        _watch(policy, desk),
        at=at,
        day=day_of(at, policy.timezone),
        after=_cursor(page),
        limit=page.limit,
    )
    return page_of(views, request=page, cursor_of=_cursor_of)


@router.get("/work-lists/stay-counts", responses=responses(StaffOnly))
async def count_stays(
    session: Session, policy: Policy, caller: Watcher, desk: Desk = None, within_hours: Within = None
) -> StayCountsView:
    """The number of stays on each list. Restricted categories need `restricted:read` and certificates."""
    at = now(session)
    return await queries.counts(
        session,
        staff_rights_of(caller),
        _watch(policy, desk),
        at=at,
        day=day_of(at, policy.timezone),
        until=at + _ahead(policy, within_hours),
    )


async def _view(session: Session, caller: Caller, referral_id: UUID, response: Response) -> StayView:
    view = await queries.stay_view(session, rights_of(caller), referral_id)
    response.headers["ETag"] = etag_of(view.version)
    return view


def _watch(policy: RoutingPolicy, desk: str | None) -> Watch:
    return Watch(desk, {category: one.lead_desk for category, one in policy.categories.items()})


def _ahead(policy: RoutingPolicy, within_hours: int | None) -> timedelta:
    if within_hours is None:
        return timedelta(seconds=policy.stays.leaving_within)
    return timedelta(hours=within_hours)


def _cursor(page: PageRequest) -> Cursor:
    return BEGINNING if page.after is None else (datetime.fromisoformat(page.after[0]), UUID(page.after[1]))


def _cursor_of(view: StayEntryView) -> list[str]:
    return [view.leaves_at.isoformat(), str(view.referral_id)]
