"""Decides reviews, and closes reviews of broken promises."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work
from services.referral.access import Rights
from services.referral.desk import queries
from services.referral.errors import StepNotAllowed
from services.referral.journeys.actions.writing import opened
from services.referral.notes import actions as notes
from services.referral.pack.policy import RoutingPolicy
from services.referral.reviews import actions as reviews
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps


async def decide_review(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    review_id: UUID,
    *,
    approved: bool,
    note: str | None,
    actor: str,
) -> UUID:
    """A person decides whether the referral may be offered. If not, it ends, and the desk keeps the need."""
    review = await queries.review_view(session, rights, review_id)
    if review.referral_id is None or review.returnee_id is None:
        raise StepNotAllowed(
            "A review of a broken invariant can only be resolved, not approved or rejected",
            subject="review",
            state=review.status.value,
            step="approve" if approved else "reject",
        )
    async with opened(session, policy, [review.returnee_id], actor=actor) as piece:
        referral = piece.journeys[review.returnee_id].referrals[review.referral_id]
        if approved:
            routing_steps.approve(piece, referral, reason=review.reason, note=note)
        else:
            referral_steps.reject(piece, referral, note=note)
    return review_id


async def resolve_review(session: AsyncSession, rights: Rights, review_id: UUID, *, note: str, actor: str) -> UUID:
    """A person has examined a broken promise. If it is still broken, the watcher opens another review."""
    review = await queries.review_view(session, rights, review_id)
    async with own_work(session):
        note_id = await notes.write_one(session, review.returnee_id, note)
        resolved = await reviews.resolve(session, review_id, by=actor, note_id=note_id)
    if not resolved:
        raise StepNotAllowed(
            "Only a pending review of a broken invariant can be resolved",
            subject="review",
            state=review.status.value,
            step="resolve",
        )
    return review_id
