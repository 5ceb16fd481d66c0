"""The queues over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.paging import Page, PageQuery, page_of
from libs.events.codes import NeedCategory
from services.referral.waitlists import queries
from services.referral.waitlists.schemas import WaitlistEntryView

router = APIRouter(prefix="/v1/waitlists", tags=["waitlists"])


@router.get("")
async def list_waitlists(
    session: Session,
    page: PageQuery,
    caller: Annotated[Caller, requires("work-lists:read")],
    category: Annotated[NeedCategory | None, Query(description="Only the queue of this category")] = None,
    pool_id: Annotated[UUID | None, Query(description="Only those who wait for this pool")] = None,
) -> Page[WaitlistEntryView]:
    """Who waits for a place, by category, first the next to be served. Restricted categories need their scope.

    Each stands in the queue of its category and of every pool that could take it, by urgency class, then by time.
    """
    entries = await queries.queue(
        session,
        category=None if category is None else category.value,
        pool_id=pool_id,
        restricted="restricted:read" in caller.scopes,
        after=page.after,
        limit=page.limit,
    )
    return page_of(entries, request=page, cursor_of=_place_of)


def _place_of(entry: WaitlistEntryView) -> list[str]:
    return [entry.category, str(entry.urgency_rank), entry.waiting_since.isoformat(), str(entry.referral_id)]
