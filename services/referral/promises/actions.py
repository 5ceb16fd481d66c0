"""Opens a review at the steward's desk for each breach. A forgotten need also gets the steward as its owner."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.events.codes import OwnerReason
from services.referral.access import Rights
from services.referral.candidates.interlocks import ReviewReason
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions.writing import held, opened
from services.referral.lifecycles.printed import Who
from services.referral.notes import actions as notes
from services.referral.pack.policy import RoutingPolicy
from services.referral.promises import queries
from services.referral.promises.queries import FIRST_INVARIANT, Breach
from services.referral.reviews import actions as reviews
from services.referral.reviews.rules import ReviewStatus
from services.referral.steps.owners import assign

REVIEWS_MAX = 100
"""The maximum number of reviews that one check opens per promise. A fault with thousands of breaches needs no more."""
ACTOR = Who.WATCHER.value


async def watch(session: AsyncSession, policy: RoutingPolicy, *, late_after: timedelta) -> dict[str, int]:
    """Check every promise and open a review for every breach. Returns the number of breaches of each promise."""
    await notes.wipe_of_nobody(session)
    found = await queries.invariants(session, Rights(None, restricted=True), late_after=late_after)
    for one in found.promises:
        if one.violations:
            await _open_reviews(session, policy, one.name, late_after=late_after)
    return {one.name: one.violations for one in found.promises}


async def _open_reviews(session: AsyncSession, policy: RoutingPolicy, promise: str, *, late_after: timedelta) -> None:
    late_since = now(session) - late_after
    breaches = await queries.new_breaches(session, promise, late_since=late_since, limit=REVIEWS_MAX)
    if promise == FIRST_INVARIANT:
        claimed = await journeys.claim(session, {one.returnee_id for one in breaches if one.returnee_id is not None})
        mine = [one for one in breaches if one.returnee_id in claimed]
        still = await queries.still_broken(session, promise, [one.subject_id for one in mine], late_since=late_since)
        breaches = [one for one in mine if one.subject_id in still]
        await _own(session, policy, claimed, still)
    await reviews.open_for_breaches(session, _reviews(session, policy, promise, breaches))


async def _own(
    session: AsyncSession, policy: RoutingPolicy, returnee_ids: Collection[UUID], need_ids: Collection[UUID]
) -> None:
    """Make the steward the owner of these needs at once. The review must find out why they were forgotten."""
    if not need_ids:
        return
    async with opened(session, policy, returnee_ids, actor=ACTOR, lock=held) as piece:
        for journey in piece.journeys.values():
            for need in journey.needs.values():
                if need.need_id in need_ids:
                    assign(piece, need, owner=policy.steward_desk, reason=OwnerReason.PROMISE_BROKEN)


def _reviews(
    session: AsyncSession, policy: RoutingPolicy, promise: str, breaches: Sequence[Breach]
) -> list[dict[str, object]]:
    return [
        {
            "review_id": uuid7(),
            "promise": promise,
            "subject_id": one.subject_id,
            "need_id": one.need_id,
            "returnee_id": one.returnee_id,
            "category": one.category,
            "restricted": one.restricted,
            "reason": ReviewReason.PROMISE_BROKEN.value,
            "desk": policy.steward_desk,
            "status": ReviewStatus.PENDING.value,
            "requested_at": now(session),
        }
        for one in breaches
    ]
