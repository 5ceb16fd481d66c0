"""Timelines over HTTP. Staff see what their scopes allow; a provider sees what happened with its own offers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageQuery, PageRequest, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF, STAFF, StaffOnly
from services.referral.access import Policy, rights_of, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.audit.schemas import AccessView
from services.referral.timelines import queries
from services.referral.timelines.schemas import CaseSearch, CaseView, EntryView, Order

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["timelines"])

Reader = Annotated[Caller, requires("referrals:read", by=ORGANIZATIONS_AND_STAFF)]
InOrder = Annotated[Order, Query(description="The order; use the same value for every page")]


@router.post("/cases/search", responses=responses(NotFound))
async def find_case(body: CaseSearch, session: Session, caller: Reader) -> CaseView:
    """Find a person by the case code. This is a POST that changes nothing, so that no code is in a URL.

    A provider finds the people of its own offers. A code that is mistyped, of nobody or of a person whom the caller may
    not know is the same 404. Each 404 counts as a request for something unknown: too many of them get a 429.
    """
    return await queries.case(session, rights_of(caller), body.case_code)


@router.get("/returnees/{returnee_id}/timeline", responses=responses(NotFound))
async def read_timeline(
    returnee_id: UUID,
    session: Session,
    policy: Policy,
    page: PageQuery,
    caller: Reader,
    order: InOrder = Order.OLDEST,
) -> Page[EntryView]:
    """What happened to one returnee, in one list.

    A provider sees its own offers and the services after them, and nothing about others. Without any it gets a 404.
    """
    found = await queries.timeline(
        session, policy, rights_of(caller), returnee_id, order=order, after=_after(page), limit=page.limit
    )
    return _page(found, page)


@router.get("/offers/{offer_id}/timeline", responses=responses(NotFound))
async def read_timeline_by_offer(
    offer_id: UUID,
    session: Session,
    policy: Policy,
    page: PageQuery,
    caller: Reader,
    order: InOrder = Order.OLDEST,
) -> Page[EntryView]:
    """What happened to the returnee of this offer. For providers, which know the offer but not the returnee's id."""
    found = await queries.timeline_of_offer(
        session, policy, rights_of(caller), offer_id, order=order, after=_after(page), limit=page.limit
    )
    return _page(found, page)


@router.get("/returnees/{returnee_id}/access-log", responses=responses(NotFound, StaffOnly))
async def read_access_log(
    returnee_id: UUID,
    session: Session,
    page: PageQuery,
    caller: Annotated[Caller, requires("access-log:read", by=STAFF)],
) -> Page[AccessView]:
    """Who read or changed referral's data about this person, when and why, newest first; also after erasure.

    Registration has its own list for its own data. Automatic steps of the network are in the timeline.
    """
    return await queries.accesses(session, staff_rights_of(caller), returnee_id, page)


def _after(page: PageRequest) -> int | None:
    return None if page.after is None else int(page.after[0])


def _page(views: list[EntryView], page: PageRequest) -> Page[EntryView]:
    return page_of(views, request=page, cursor_of=lambda view: [str(view.number)])
