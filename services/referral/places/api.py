"""The ledger over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from services.referral.access import sees_restricted
from services.referral.audit.recording import RecordedRoute
from services.referral.places import queries
from services.referral.places.queries import Seen
from services.referral.places.rules import HoldStatus
from services.referral.places.schemas import HoldView, PoolView

router = APIRouter(route_class=RecordedRoute, prefix="/v1/places", tags=["places"])

Reader = Annotated[Caller, requires("places:read", by=ORGANIZATIONS_AND_STAFF)]


@router.get("")
async def list_places(
    session: Session,
    page: PageQuery,
    caller: Reader,
    provider_service_id: Annotated[UUID | None, Query(description="Only the pools of this service")] = None,
    over_committed: Annotated[
        bool | None,
        Query(
            description="True: only pools with more held and taken places than their maximum; false: only the others"
        ),
    ] = None,
) -> Page[PoolView]:
    """Pools with their declared, held, taken and free places. Restricted services need
    `restricted:read`, and certificates if the caller is staff.

    A provider sees the pools of its own services.
    """
    after = None if page.after is None else UUID(page.after[0])
    views = await queries.pool_views(
        session,
        _seen_by(caller),
        provider_service_id=provider_service_id,
        over_committed=over_committed,
        after=after,
        limit=page.limit,
    )
    return page_of(views, request=page, cursor_of=lambda view: [str(view.pool_id)])


@router.get("/{pool_id}/holds", responses=responses(NotFound))
async def list_holds(
    pool_id: UUID,
    session: Session,
    page: PageQuery,
    caller: Reader,
    status: Annotated[
        HoldStatus | None, Query(description="Only holds in this state; default: all that are held or taken now")
    ] = None,
) -> Page[HoldView]:
    """The offers that hold places of a pool, oldest first. A provider sees those of its own services."""
    after = None if page.after is None else UUID(page.after[0])
    views = await queries.hold_views(session, _seen_by(caller), pool_id, status=status, after=after, limit=page.limit)
    return page_of(views, request=page, cursor_of=lambda view: [str(view.offer_id)])


def _seen_by(caller: Caller) -> Seen:
    return Seen(caller.organization_id, sees_restricted(caller))
