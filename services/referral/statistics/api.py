"""Statistics and numbers of unmet needs over HTTP, for staff of the network."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from libs.events.codes import NeedCategory
from libs.taxonomy.told import category_faults
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.pack.api import OfCategory
from services.referral.statistics import queries
from services.referral.statistics.schemas import KindStatisticsView, StatisticsView, UnmetFilters, UnmetView

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["work-lists"], responses=responses(StaffOnly))

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]


@router.get("/statistics")
async def read_statistics(session: Session, caller: Reader, policy: Policy) -> StatisticsView:
    """The state of the needs of people who have consented to be counted, by category.

    Numbers below `small_cells_below` of the country pack are null, and also numbers that would reveal one of them.
    Restricted categories need `restricted:read`.
    """
    rights = staff_rights_of(caller)
    found = await queries.statistics(session, rights, small_below=policy.small_cells_below)
    return StatisticsView(categories=found)


@router.get("/statistics/{category}")
async def read_kind_statistics(
    category: NeedCategory, session: Session, caller: Reader, policy: Policy
) -> KindStatisticsView:
    """The state of the needs of one category, by kind, of people who have consented to be counted.

    Numbers are hidden as in the statistics by category. Restricted categories need `restricted:read`.
    """
    faults = category_faults(policy.taxonomy, category, pointer="category")
    if faults:
        raise InvalidInput(errors=faults)
    found = await queries.kind_statistics(
        session, staff_rights_of(caller), category, small_below=policy.small_cells_below
    )
    return KindStatisticsView(category=category, kinds=found)


async def _filters(
    category: OfCategory,
    area: Annotated[
        str | None, Query(max_length=20, description="Only of people whose destination is this place")
    ] = None,
    reason: Annotated[str | None, Query(max_length=60, description="Only for this reason")] = None,
) -> UnmetFilters:
    return UnmetFilters(category, area, reason)


@router.get("/work-lists/unmet/summary")
async def summarise_unmet(
    session: Session,
    policy: Policy,
    page: PageQuery,
    filters: Annotated[UnmetFilters, Depends(_filters)],
    caller: Reader,
    days: Annotated[
        int, Query(ge=1, le=366, description="How far back closed needs are counted; open needs are always counted")
    ] = 90,
) -> Page[UnmetView]:
    """Unmet needs of people who have consented to be counted, by category, area and reason.

    Small counts are omitted, and also counts that would reveal one, so that no row identifies a person.
    """
    views = await queries.cells(
        session,
        staff_rights_of(caller),
        filters,
        ended_since=now(session) - timedelta(days=days),
        small_below=policy.small_cells_below,
        after=page.after,
        limit=page.limit,
    )
    return page_of(views, request=page, cursor_of=lambda view: [view.category, view.area or "", view.reason])
