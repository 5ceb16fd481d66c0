"""Reviews over HTTP; for staff of the network."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import OnceOptional
from libs.chassis.paging import Count, Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF, StaffOnly
from services.referral.access import Policy, staff_rights_of
from services.referral.audit.recording import RecordedRoute
from services.referral.desk import actions, queries
from services.referral.desk.schemas import AgeDecisionBody, DecisionBody, ResolutionBody, ReviewFilters, ReviewView
from services.referral.errors import StepNotAllowed
from services.referral.pack.api import OfCategory
from services.referral.reviews.rules import ReviewStatus

router = APIRouter(route_class=RecordedRoute, prefix="/v1", tags=["desk"])

Reader = Annotated[Caller, requires("work-lists:read", by=STAFF)]
Decider = Annotated[Caller, requires("reviews:decide", by=STAFF)]
AgeDecider = Annotated[Caller, requires("ages:decide", by=STAFF)]
DECISIONS = responses(NotFound, StepNotAllowed, StaffOnly)


async def _filters(
    category: OfCategory,
    status: Annotated[ReviewStatus | None, Query(description="Only reviews in this state")] = None,
    desk: Annotated[str | None, Query(description="Only reviews for this desk", max_length=80)] = None,
    referral_id: Annotated[UUID | None, Query(description="Only reviews of this referral")] = None,
) -> ReviewFilters:
    return ReviewFilters(status, desk, category, referral_id)


FilterQuery = Annotated[ReviewFilters, Depends(_filters)]


@router.get("/reviews", responses=responses(StaffOnly))
async def list_reviews(session: Session, page: PageQuery, filters: FilterQuery, caller: Reader) -> Page[ReviewView]:
    """Reviews: decisions that a person has to take or has taken, oldest first."""
    after = None if page.after is None else UUID(page.after[0])
    views = await queries.review_views(session, staff_rights_of(caller), filters, after=after, limit=page.limit)
    return page_of(views, request=page, cursor_of=lambda view: [str(view.id)])


@router.get("/reviews/count", responses=responses(StaffOnly))
async def count_reviews(session: Session, filters: FilterQuery, caller: Reader) -> Count:
    """The number of reviews with these filters. Counting stops at a thousand."""
    return await queries.review_count(session, staff_rights_of(caller), filters)


@router.post("/reviews/{review_id}/approve", responses=DECISIONS)
async def approve_review(
    review_id: UUID, body: DecisionBody, session: Session, policy: Policy, once: OnceOptional, caller: Decider
) -> ReviewView:
    """Approve the review: the referral may be offered, and the router looks for a service at once."""
    return await _decide(review_id, body, session, policy, once, caller, approved=True)


@router.post("/reviews/{review_id}/reject", responses=DECISIONS)
async def reject_review(
    review_id: UUID, body: DecisionBody, session: Session, policy: Policy, once: OnceOptional, caller: Decider
) -> ReviewView:
    """Reject the review: no offer is made, the referral ends, and the desk remains the owner of the need."""
    return await _decide(review_id, body, session, policy, once, caller, approved=False)


@router.post("/reviews/{review_id}/decide-age", responses=DECISIONS)
async def decide_age(
    review_id: UUID, body: AgeDecisionBody, session: Session, policy: Policy, once: OnceOptional, caller: AgeDecider
) -> ReviewView:
    """Decide about an unknown or disputed age: child, adult, or still unsure.

    The decision changes the profile of the person, and routing follows the profile. It ends all pending reviews of the
    person's age. A decided review can be decided again.
    """
    rights = staff_rights_of(caller)
    await once(session, lambda: actions.decide_age(session, policy, rights, review_id, body, actor=caller.subject))
    return await queries.review_view(session, rights, review_id)


@router.post("/reviews/{review_id}/resolve", responses=DECISIONS)
async def resolve_review(
    review_id: UUID, body: ResolutionBody, session: Session, once: OnceOptional, caller: Decider
) -> ReviewView:
    """Close the review of a broken invariant, with the finding. If it stays broken, a new review opens in a minute."""
    rights = staff_rights_of(caller)
    await once(
        session, lambda: actions.resolve_review(session, rights, review_id, note=body.note, actor=caller.subject)
    )
    return await queries.review_view(session, rights, review_id)


async def _decide(
    review_id: UUID,
    body: DecisionBody,
    session: Session,
    policy: Policy,
    once: OnceOptional,
    caller: Caller,
    *,
    approved: bool,
) -> ReviewView:
    rights = staff_rights_of(caller)
    await once(
        session,
        lambda: actions.decide_review(
            session, policy, rights, review_id, approved=approved, note=body.note, actor=caller.subject
        ),
    )
    return await queries.review_view(session, rights, review_id)
