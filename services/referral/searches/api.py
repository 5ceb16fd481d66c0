"""Searches over HTTP; for staff of the network."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import OnceRequired
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.errors import StepNotAllowed
from services.referral.searches import actions, queries
from services.referral.searches.schemas import FollowUpView, SearchAttemptBody, SearchAttemptView

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["searches"])

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]
Writer = Annotated[Caller, requires("needs:write", by=STAFF)]


@router.post(
    "/referrals/{referral_id}/search-attempts",
    status_code=status.HTTP_201_CREATED,
    responses=responses(NotFound, StepNotAllowed, StaffOnly),
)
async def log_search_attempt(
    referral_id: UUID, body: SearchAttemptBody, session: Session, policy: Policy, once: OnceRequired, caller: Writer
) -> SearchAttemptView:
    """Record an attempt to find the person. When the person is found, the need is offered again at once."""
    rights = staff_rights_of(caller)
    attempt_id = await once(
        session, lambda: actions.log_attempt(session, policy, rights, referral_id, body, actor=caller.subject)
    )
    return await queries.attempt_view(session, rights, attempt_id)


@router.get("/referrals/{referral_id}/search-attempts", responses=responses(NotFound, StaffOnly))
async def list_search_attempts(
    referral_id: UUID, session: Session, page: PageQuery, caller: Reader
) -> Page[SearchAttemptView]:
    """The attempts to find the person of one referral, oldest first."""
    after = None if page.after is None else UUID(page.after[0])
    rights = staff_rights_of(caller)
    views = await queries.attempt_views(session, rights, referral_id, after=after, limit=page.limit)
    return page_of(views, request=page, cursor_of=lambda view: [str(view.id)])


@router.get("/work-lists/follow-up", responses=responses(StaffOnly))
async def list_follow_up(
    session: Session,
    page: PageQuery,
    caller: Reader,
    owner: Annotated[str | None, Query(description="Only entries of this desk", max_length=80)] = None,
) -> Page[FollowUpView]:
    """People who could not be found, those with the earliest deadline first."""
    after = None if page.after is None else (datetime.fromisoformat(page.after[0]), UUID(page.after[1]))
    rights = staff_rights_of(caller)
    views = await queries.follow_up(session, rights, owner=owner, after=after, limit=page.limit)
    return page_of(
        views, request=page, cursor_of=lambda view: [view.next_attempt_at.isoformat(), str(view.referral_id)]
    )
