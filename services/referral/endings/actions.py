"""Withdraws needs, merges and separates records, and erases people. The caller has locked the journeys."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.registration import (
    NeedWithdrawn,
    ReturneeMerged,
    ReturneeUnmerged,
)
from libs.events.codes import CancelReason, CloseReason, RecallReason
from services.referral.consequences import endings
from services.referral.journeys.actions import told
from services.referral.journeys.actions.writing import held, opened
from services.referral.judging.actions import judge_again
from services.referral.kept_apart import actions as kept_apart
from services.referral.kept_apart.queries import kept_apart as find_kept_apart
from services.referral.lifecycles.printed import Who
from services.referral.lifecycles.rules import NeedStatus
from services.referral.notes import actions as notes
from services.referral.ownership.actions import forget_words
from services.referral.pack.policy import RoutingPolicy
from services.referral.providers import queries as providers
from services.referral.steps import needs as need_steps


async def withdraw_needs(session: AsyncSession, policy: RoutingPolicy, withdrawn: Sequence[NeedWithdrawn]) -> None:
    """The returnee no longer wants help with these needs. Offers are recalled and places released. No reason is
    needed."""
    async with opened(
        session, policy, {one.returnee_id for one in withdrawn}, actor=Who.REGISTRATION.value, lock=held
    ) as piece:
        for one in withdrawn:
            need = piece.journeys[one.returnee_id].needs.get(one.need_id)
            if need is not None and need.status is NeedStatus.OPEN:
                need_steps.refuse(piece, need, recall_reason=RecallReason.NEED_WITHDRAWN)


async def erase(session: AsyncSession, policy: RoutingPolicy, returnee_ids: Collection[UUID]) -> None:
    """Close the open needs of these returnees and delete the data about them. De-identified data remain."""
    async with opened(session, policy, returnee_ids, actor=Who.REGISTRATION.value, lock=held) as piece:
        for journey in piece.journeys.values():
            for need in journey.needs.values():
                if need.status is NeedStatus.OPEN:
                    need_steps.close(
                        piece, need, reason=CloseReason.ERASED, cancel=CancelReason.ERASED, recall=RecallReason.ERASED
                    )
    hand_overs = await forget_words(session, returnee_ids)
    await notes.wipe(session, returnee_ids, hand_over_ids=hand_overs)
    await kept_apart.forget(session, returnee_ids)
    await told.forget(session, returnee_ids, statistics_purpose=policy.consents.statistics.purpose)


async def keep_merges(
    session: AsyncSession, policy: RoutingPolicy, changed: Sequence[ReturneeMerged | ReturneeUnmerged]
) -> None:
    """Merge two records of one person, or separate them again. Open needs move to the right record, and none is
    lost. Who had to be kept apart from one of them must then be kept apart from both, or not any more."""
    pairs = [
        (one, one.into_returnee_id if isinstance(one, ReturneeMerged) else one.from_returnee_id) for one in changed
    ]
    people = {key for one, other in pairs for key in (one.returnee_id, other)}
    conflicts = await providers.conflicts_of(session, people)
    async with opened(session, policy, people, actor=Who.REGISTRATION.value, lock=held) as piece:
        for one, other in pairs:
            both = conflicts.get(one.returnee_id, set()) | conflicts.get(other, set())
            journey, kept = piece.journeys[one.returnee_id], piece.journeys[other]
            if isinstance(one, ReturneeUnmerged):
                if journey.merged_into == other:
                    endings.unmerge(piece, journey, kept)
            elif journey.merged_into != other and one.returnee_id != other:
                endings.merge(piece, journey, kept, conflicting=both)
                conflicts[one.returnee_id] = conflicts[other] = both
    await _look_again(session, policy, people)


async def _look_again(session: AsyncSession, policy: RoutingPolicy, people: Collection[UUID]) -> None:
    apart = await find_kept_apart(session, people)
    if apart:
        await told.wake(session, people)
        await judge_again(session, policy, {*apart}.union(*apart.values()), actor=Who.REGISTRATION.value)
