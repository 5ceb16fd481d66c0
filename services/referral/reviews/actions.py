"""Writes reviews: requested by a step, opened for a broken promise, decided or resolved by a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.referral.database import Row, insert_rows, update_rows
from services.referral.reviews.rules import AgeDecision, ReviewDecided, ReviewStatus
from services.referral.reviews.tables import ReviewRow

_RESOLVE: Final = f"""
UPDATE review SET status = '{ReviewStatus.RESOLVED.value}', decided_at = $2, decided_by = $3, note_id = $4
WHERE review_id = $1 AND status = '{ReviewStatus.PENDING.value}' AND promise IS NOT NULL
RETURNING true
"""  # noqa: S608 (constants)


async def ask(session: AsyncSession, reviews: Sequence[Row]) -> None:
    """Open these reviews. Their referrals wait for the decision."""
    await insert_rows(session, ReviewRow, reviews)


async def open_for_breaches(session: AsyncSession, reviews: Sequence[Row]) -> None:
    """Open these reviews of broken promises, except where one for the same promise and subject is pending."""
    await insert_rows(session, ReviewRow, reviews, on_conflict="ON CONFLICT DO NOTHING")


async def decide(session: AsyncSession, decided: Sequence[ReviewDecided], *, at: datetime) -> None:
    """End the pending reviews of these referrals."""
    pending = f"kept.status = '{ReviewStatus.PENDING.value}'"
    rows = [
        {
            "referral_id": one.referral_id,
            "status": one.status.value,
            "decided_at": at,
            "decided_by": one.actor,
            **_columns(one.age),
        }
        for one in decided
    ]
    await update_rows(session, ReviewRow, rows, key="referral_id", only_if=pending)


async def decide_age_again(session: AsyncSession, review_id: UUID, age: AgeDecision, *, by: str) -> None:
    """Replace the decision of a review that was decided before."""
    row = {"review_id": review_id, "decided_at": now(session), "decided_by": by, **_columns(age)}
    await update_rows(session, ReviewRow, [row], key="review_id")


def _columns(age: AgeDecision | None) -> Row:
    if age is None:
        return {"age_of": None, "age_group": None, "age_basis": None}
    return {"age_of": age.returnee_id, "age_group": age.group.value, "age_basis": age.basis.value}


async def resolve(session: AsyncSession, review_id: UUID, *, by: str, note_id: UUID | None) -> bool:
    """A person has examined a broken promise. False if the review is not pending, or is not about a promise."""
    resolved = await (await raw(session)).fetchval(_RESOLVE, review_id, now(session), by, note_id)
    return resolved is True
