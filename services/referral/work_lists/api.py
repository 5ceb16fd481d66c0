"""Work lists over HTTP, for staff of the network. Every list has the same filters and is paged by key."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.paging import Page, PageQuery, PageRequest, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from libs.events.codes import Urgency
from services.referral.access import Policy, desks_of, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.pack.api import OfCategory, OfKind, OfStage
from services.referral.pack.mechanism import Stage
from services.referral.pack.policy import RoutingPolicy
from services.referral.work_lists import queries
from services.referral.work_lists.queries import Walk
from services.referral.work_lists.rules import Party
from services.referral.work_lists.schemas import (
    CountsView,
    DueItemView,
    Filters,
    HaltedItemView,
    ItemView,
    StageCountsView,
    StageQueuesView,
    WaitingItemView,
)

router = APIRouter(
    route_class=RecordedRoute, prefix="/v1/work-lists", tags=["work-lists"], responses=responses(StaffOnly)
)

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]
Within = Annotated[int, Query(ge=0, le=31_536_000, description="Seconds from now")]
DAY_S = 86_400
View = TypeVar("View", bound=ItemView)


async def _filters(
    category: OfCategory,
    kind: OfKind,
    categories: OfStage,
    urgency: Annotated[Urgency | None, Query(description="Only needs of this urgency")] = None,
    desk: Annotated[str | None, Query(max_length=80, description="Only needs that this desk owns")] = None,
    area: Annotated[
        str | None, Query(max_length=20, description="Only of people whose destination is this place")
    ] = None,
    arrival_batch_id: Annotated[
        UUID | None, Query(description="Only of people who came with this flight or bus")
    ] = None,
) -> Filters:
    return Filters(category, kind, urgency, desk, area, arrival_batch_id, categories)


FilterQuery = Annotated[Filters, Depends(_filters)]


@router.get("/mine")
async def list_mine(
    session: Session, policy: Policy, page: PageQuery, filters: FilterQuery, caller: Reader
) -> Page[ItemView]:
    """Needs of my desks, and of desks for which mine are the deputy now; the earliest deadline first."""
    walk = await queries.mine(session, desks_of(caller, policy))
    return await _page(session, policy, walk, page, filters, caller, ItemView)


@router.get("/due")
async def list_due(
    session: Session, policy: Policy, page: PageQuery, filters: FilterQuery, caller: Reader, within: Within = DAY_S
) -> Page[DueItemView]:
    """Deadlines within a period, the earliest first: answers, starts, reports, places, routing, owners."""
    walk = queries.due(now(session) + timedelta(seconds=within), needs_first=queries.narrows_first(filters))
    return await _page(session, policy, walk, page, filters, caller, DueItemView)


@router.get("/overdue")
async def list_overdue(
    session: Session, policy: Policy, page: PageQuery, filters: FilterQuery, caller: Reader
) -> Page[ItemView]:
    """Needs that have an owner because a deadline has passed, the longest overdue first."""
    return await _page(session, policy, queries.overdue(), page, filters, caller, ItemView)


@router.get("/escalations")
async def list_escalations(
    session: Session, policy: Policy, page: PageQuery, filters: FilterQuery, caller: Reader
) -> Page[ItemView]:
    """Needs that have an owner because normal routing was not possible, oldest first; includes overdue needs."""
    return await _page(session, policy, queries.escalations(), page, filters, caller, ItemView)


@router.get("/waiting")
async def list_waiting(
    session: Session,
    policy: Policy,
    page: PageQuery,
    filters: FilterQuery,
    caller: Reader,
    party: Annotated[Party | None, Query(description="Only needs that wait for this party")] = None,
    organization_id: Annotated[UUID | None, Query(description="Only needs that wait for this provider")] = None,
) -> Page[WaitingItemView]:
    """Needs with a live referral, and the party that each waits for, the longest waiting first."""
    walk = queries.waiting(tuple(Party) if party is None else (party,), organization_id=organization_id)
    return await _page(session, policy, walk, page, filters, caller, WaitingItemView)


@router.get("/halted")
async def list_halted(
    session: Session,
    policy: Policy,
    page: PageQuery,
    filters: FilterQuery,
    caller: Reader,
    organization_id: Annotated[UUID | None, Query(description="Only offers of this provider")] = None,
) -> Page[HaltedItemView]:
    """Halted offers, about which a desk has to decide, such as those of a suspended organisation."""
    return await _page(
        session, policy, queries.halted(organization_id=organization_id), page, filters, caller, HaltedItemView
    )


@router.get("/unmet")
async def list_unmet(
    session: Session,
    policy: Policy,
    page: PageQuery,
    filters: FilterQuery,
    caller: Reader,
    reason: Annotated[str | None, Query(max_length=60, description="Why the need has an owner, or was closed")] = None,
) -> Page[ItemView]:
    """Open needs that no provider serves, and needs that were closed without help, by category."""
    walk = queries.unmet(staff_rights_of(caller), reason)
    return await _page(session, policy, walk, page, filters, caller, ItemView)


@router.get("/counts")
async def count_work_lists(
    session: Session,
    policy: Policy,
    filters: FilterQuery,
    caller: Reader,
    within: Within = DAY_S,
    organization_id: Annotated[UUID | None, Query(description="For `halted`: only offers of this provider")] = None,
) -> CountsView:
    """The length of each list with these filters. Counting stops at a thousand."""
    rights = staff_rights_of(caller)
    until = now(session) + timedelta(seconds=within)

    async def counted(walk: Walk) -> Any:
        return await queries.count(session, walk, rights, filters)

    return CountsView(
        mine=await counted(await queries.mine(session, desks_of(caller, policy))),
        due=await counted(queries.due(until, needs_first=queries.narrows_first(filters))),
        overdue=await counted(queries.overdue()),
        escalations=await counted(queries.escalations()),
        waiting={party: await counted(queries.waiting((party,))) for party in Party},
        halted=await counted(queries.halted(organization_id=organization_id)),
        unmet=await counted(queries.unmet(rights)),
    )


@router.get("/stages")
async def count_by_stage(session: Session, policy: Policy, caller: Reader) -> StageQueuesView:
    """The queue of each stage of the referral mechanism. The lists themselves take the filter `stage`."""
    rights = staff_rights_of(caller)
    mine = {one.stage for one in policy.stages_of(desks_of(caller, policy))}

    async def queue_of(stage: Stage) -> StageCountsView:
        filters = Filters(categories=policy.categories_of(stage.stage))

        async def counted(walk: Walk) -> Any:
            return await queries.count(session, walk, rights, filters)

        return StageCountsView(
            stage=stage.stage,
            name=stage.name,
            mine=stage.stage in mine,
            waiting={party: await counted(queries.waiting((party,))) for party in Party},
            overdue=await counted(queries.overdue()),
            escalations=await counted(queries.escalations()),
            halted=await counted(queries.halted()),
            unmet=await counted(queries.unmet(rights)),
        )

    return StageQueuesView(stages=[await queue_of(stage) for stage in policy.mechanism.stages])


async def _page(
    session: Session,
    policy: RoutingPolicy,
    walk: Walk,
    page: PageRequest,
    filters: Filters,
    caller: Caller,
    view: type[View],
) -> Page[View]:
    rights = staff_rights_of(caller)
    after = None if page.after is None else _key(walk, page.after)
    views = await queries.items(session, policy, walk, rights, filters, after=after, limit=page.limit, view=view)
    return page_of(views, request=page, cursor_of=lambda item: _cursor(walk, item))


def _cursor(walk: Walk, item: ItemView) -> list[str]:
    values = [getattr(item, name) for name in walk.order]
    return [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]


def _key(walk: Walk, texts: Sequence[str]) -> list[Any]:
    parsers: dict[str, Any] = {"_at": datetime.fromisoformat, "_since": datetime.fromisoformat, "_id": UUID}
    return [
        next((parse for end, parse in parsers.items() if name.endswith(end)), str)(text)
        for name, text in zip(walk.order, texts, strict=True)
    ]
