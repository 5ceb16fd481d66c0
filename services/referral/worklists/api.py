"""Work lists and statistics over HTTP; for staff of the network."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.worklists import queries
from services.referral.worklists.schemas import OwnedNeedView, StatisticsView

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["work-lists"], responses=responses(StaffOnly))

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]


@router.get("/work-lists/owned")
async def list_owned_needs(
    session: Session,
    page: PageQuery,
    caller: Reader,
    owner: Annotated[str | None, Query(description="Only those of this desk", max_length=80)] = None,
) -> Page[OwnedNeedView]:
    """Open needs that a desk answers for, the longest owned first."""
    after = None if page.after is None else (datetime.fromisoformat(page.after[0]), UUID(page.after[1]))
    rights = staff_rights_of(caller)
    views = await queries.owned_needs(session, rights, owner=owner, after=after, limit=page.limit)
    return page_of(views, request=page, cursor_of=lambda view: [view.owned_since.isoformat(), str(view.need_id)])


@router.get("/statistics")
async def read_statistics(session: Session, caller: Reader, policy: Policy) -> StatisticsView:
    """How the needs stand of people who allow that they are counted, by category.

    Numbers below the `small_cells_below` of the country pack are null, and so is what would give one of them away.
    Restricted categories need `restricted:read`.
    """
    rights = staff_rights_of(caller)
    found = await queries.statistics(session, rights, small_below=policy.small_cells_below)
    return StatisticsView(categories=found)
