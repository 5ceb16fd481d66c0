"""Statistics and numbers of unmet needs over HTTP, for staff of the network."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageQuery, PageRequest, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from libs.events.codes import NeedCategory
from libs.taxonomy.told import category_faults
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.pack.api import OfCategory, OfKind
from services.referral.pack.policy import RoutingPolicy
from services.referral.statistics import queries
from services.referral.statistics.rules import By, Cell
from services.referral.statistics.schemas import (
    KindStatisticsView,
    StatisticsView,
    UnmetFilters,
    UnmetKindView,
    UnmetView,
)

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["work-lists"], responses=responses(StaffOnly))

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]


@router.get("/statistics")
async def read_statistics(session: Session, caller: Reader, policy: Policy) -> StatisticsView:
    """The state of the needs of people who have consented to be counted, by category and by stage of the mechanism.

    Numbers below `small_cells_below` of the country pack are null, and also numbers that would reveal one of them.
    Restricted categories need `restricted:read` and certificates.
    """
    rights = staff_rights_of(caller)
    found = await queries.statistics(session, rights, small_below=policy.small_cells_below)
    return StatisticsView(categories=found, stages=queries.by_stage(policy, found))


@router.get("/statistics/{category}")
async def read_kind_statistics(
    category: NeedCategory, session: Session, caller: Reader, policy: Policy
) -> KindStatisticsView:
    """The state of the needs of one category, by kind, of people who have consented to be counted.

    Numbers are hidden as in the statistics by category. Restricted categories need `restricted:read` and certificates.
    """
    faults = category_faults(policy.taxonomy, category, pointer="category")
    if faults:
        raise InvalidInput(errors=faults)
    found = await queries.kind_statistics(
        session, staff_rights_of(caller), category, small_below=policy.small_cells_below
    )
    return KindStatisticsView(category=category, kinds=found)


OfReason = Annotated[str | None, Query(max_length=60, description="Only for this reason")]


async def _filters(
    category: OfCategory,
    area: Annotated[
        str | None, Query(max_length=20, description="Only of people whose destination is this place")
    ] = None,
    reason: OfReason = None,
) -> UnmetFilters:
    return UnmetFilters(category, area, reason)


Days = Annotated[
    int, Query(ge=1, le=366, description="How far back closed needs are counted; open needs are always counted")
]


@router.get("/work-lists/unmet/summary")
async def summarise_unmet(
    session: Session,
    policy: Policy,
    page: PageQuery,
    filters: Annotated[UnmetFilters, Depends(_filters)],
    caller: Reader,
    days: Days = 90,
) -> Page[UnmetView]:
    """Unmet needs of people who have consented to be counted, by category, area and reason.

    Small counts are omitted, and also counts that would reveal one, so that no row identifies a person.
    """
    found = await _cells(session, policy, page, filters, caller, by=By.AREA, days=days)
    views = [
        UnmetView(
            category=cell.category, area=cell.what or None, reason=cell.reason, count=count, suppressed=count is None
        )
        for cell, count in found
    ]
    return page_of(views, request=page, cursor_of=lambda view: [view.category, view.area or "", view.reason])


@router.get("/work-lists/unmet/kinds")
async def summarise_unmet_kinds(
    session: Session,
    policy: Policy,
    page: PageQuery,
    category: OfCategory,
    kind: OfKind,
    caller: Reader,
    reason: OfReason = None,
    days: Days = 90,
) -> Page[UnmetKindView]:
    """The same unmet needs by category, kind and reason.

    Counts are omitted as in the numbers by area, and so that both lists together reveal none.
    """
    filters = UnmetFilters(category, reason=reason, kind=kind)
    found = await _cells(session, policy, page, filters, caller, by=By.KIND, days=days)
    views = [
        UnmetKindView(
            category=cell.category, kind=cell.what or None, reason=cell.reason, count=count, suppressed=count is None
        )
        for cell, count in found
    ]
    return page_of(views, request=page, cursor_of=lambda view: [view.category, view.kind or "", view.reason])


async def _cells(
    session: AsyncSession,
    policy: RoutingPolicy,
    page: PageRequest,
    filters: UnmetFilters,
    caller: Caller,
    *,
    by: By,
    days: int,
) -> list[tuple[Cell, int | None]]:
    return await queries.cells(
        session,
        staff_rights_of(caller),
        filters,
        by=by,
        ended_since=now(session) - timedelta(days=days),
        small_below=policy.small_cells_below,
        after=page.after,
        limit=page.limit,
    )
