"""Decides reviews, and closes reviews of broken promises."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work
from libs.chassis.errors import FieldError, InvalidInput
from libs.events.catalogue.referral import AgeDecided
from services.referral.access import Rights
from services.referral.candidates.interlocks import ReviewReason
from services.referral.desk import queries
from services.referral.desk.schemas import AgeDecisionBody
from services.referral.errors import StepNotAllowed
from services.referral.journeys.actions.writing import opened
from services.referral.notes import actions as notes
from services.referral.pack.policy import RoutingPolicy
from services.referral.reviews import actions as reviews
from services.referral.reviews.queries import awaiting_ages
from services.referral.reviews.rules import AgeDecision
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps

_NOT_TOGETHER = FieldError(
    "/returnee_id", "member-of-household", "This person does not belong to the household of the review's person."
)


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
    if approved and review.reason is ReviewReason.AGE_UNRESOLVED:
        raise StepNotAllowed(
            "The review of an age ends with a decision about the age: decide-age",
            subject="review",
            state=review.status.value,
            step="approve",
        )
    async with opened(session, policy, [review.returnee_id], actor=actor) as piece:
        referral = piece.journeys[review.returnee_id].referrals[review.referral_id]
        if approved:
            routing_steps.approve(piece, referral, reason=review.reason, note=note)
        else:
            referral_steps.reject(piece, referral, note=note)
    return review_id


async def decide_age(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, review_id: UUID, body: AgeDecisionBody, *, actor: str
) -> UUID:
    """A desk decides about the age of the person of a review, or of a member of the household.

    All needs of the person of the review that wait for such a decision are routed now. A review that was decided before
    may be decided again, because the first decision may have been wrong; then only the profile changes.
    """
    review = await queries.review_view(session, rights, review_id)
    if review.reason is not ReviewReason.AGE_UNRESOLVED or review.returnee_id is None:
        raise StepNotAllowed(
            "Only the review of an age can be decided so",
            subject="review",
            state=review.status.value,
            step="decide_age",
        )
    if body.returnee_id not in {None, *await queries.together_with(session, review.returnee_id)}:
        raise InvalidInput(errors=[_NOT_TOGETHER])
    age = AgeDecision(body.returnee_id or review.returnee_id, body.group, body.basis)
    async with opened(session, policy, {review.returnee_id, age.returnee_id}, actor=actor) as piece:
        waiting = [referral_id for _, referral_id in await awaiting_ages(session, [review.returnee_id])]
        for referral_id in waiting:
            routing_steps.decide_age(
                piece, piece.journeys[review.returnee_id].referrals[referral_id], age, note=body.note
            )
        if review.referral_id not in waiting:
            await reviews.decide_age_again(session, review_id, age, by=actor)
        decided = AgeDecided(
            returnee_id=age.returnee_id, age_group=age.group, basis=age.basis, desk=review.desk, at=piece.at
        )
        piece.events.append((decided, piece.journeys[age.returnee_id].traceparent))
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
