"""The queues over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.paging import Count, Page, PageQuery, page_of
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from libs.events.codes import NeedCategory, NeedKind
from services.referral.access import sees_restricted
from services.referral.audit.recording import RecordedRoute
from services.referral.pack.api import OfCategory, OfKind
from services.referral.waitlists import queries
from services.referral.waitlists.schemas import WaitlistEntryView

router = APIRouter(route_class=RecordedRoute, prefix="/v1/waitlists", tags=["waitlists"])

Reader = Annotated[Caller, requires("work-lists:read", by=ORGANIZATIONS_AND_STAFF)]
ForPool = Annotated[UUID | None, Query(description="Only referrals that wait for this pool")]


@router.get("")
async def list_waitlists(
    session: Session, page: PageQuery, caller: Reader, category: OfCategory, kind: OfKind, pool_id: ForPool = None
) -> Page[WaitlistEntryView]:
    """Referrals that wait for a place, by category, the next first. A provider sees those that wait for its services.

    Restricted categories need `restricted:read`, and certificates if the caller is staff.

    Each is in the queue of its category and of every suitable pool, ordered by urgency class, then by time.
    """
    entries = await queries.queue(
        session,
        _asked(caller, category, kind, pool_id),
        after=page.after,
        limit=page.limit,
    )
    return page_of(entries, request=page, cursor_of=_place_of)


@router.get("/count")
async def count_waitlists(
    session: Session, caller: Reader, category: OfCategory, kind: OfKind, pool_id: ForPool = None
) -> Count:
    """The number of referrals that wait for a place. Counting stops at a thousand."""
    return await queries.count(session, _asked(caller, category, kind, pool_id))


def _asked(caller: Caller, category: NeedCategory | None, kind: NeedKind | None, pool_id: UUID | None) -> queries.Asked:
    tenant = caller.tenant
    return queries.Asked(
        category, pool_id, restricted=sees_restricted(caller), organization_id=tenant.organization_id, kind=kind
    )


def _place_of(entry: WaitlistEntryView) -> list[str]:
    return [entry.category, str(entry.urgency_rank), entry.waiting_since.isoformat(), str(entry.referral_id)]
