"""Reads the reviews that wait for a decision about an age."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.candidates.interlocks import ReviewReason
from services.referral.reviews.rules import ReviewStatus

_AWAITING_AGES: Final = f"""
SELECT returnee_id, referral_id FROM review
WHERE returnee_id = ANY($1::uuid[]) AND status = '{ReviewStatus.PENDING.value}'
  AND reason = '{ReviewReason.AGE_UNRESOLVED.value}'
"""  # noqa: S608 (constants)


async def awaiting_ages(session: AsyncSession, returnee_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Person and id of the referrals of these people's needs that wait for a decision about an age."""
    rows = await (await raw(session)).fetch(_AWAITING_AGES, list(returnee_ids))
    return [(row["returnee_id"], row["referral_id"]) for row in rows]
