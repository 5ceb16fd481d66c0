"""The ledger over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.paging import Page, PageQuery, page_of
from services.referral.places import queries
from services.referral.places.schemas import PoolView

router = APIRouter(prefix="/v1/places", tags=["places"])


@router.get("")
async def list_places(
    session: Session,
    page: PageQuery,
    caller: Annotated[Caller, requires("places:read")],
    provider_service_id: Annotated[UUID | None, Query(description="Only the pools of this service")] = None,
) -> Page[PoolView]:
    """Pools with what is declared, held, taken and free. Pools of restricted services need `restricted:read`."""
    after = None if page.after is None else UUID(page.after[0])
    views = await queries.pool_views(
        session,
        provider_service_id=provider_service_id,
        restricted="restricted:read" in caller.scopes,
        after=after,
        limit=page.limit,
    )
    return page_of(views, request=page, cursor_of=lambda view: [str(view.pool_id)])
