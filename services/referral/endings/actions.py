"""Needs withdrawn, journeys ended and gone on with, records merged, people erased. The journeys are locked before."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.catalogue.registration import (
    NeedWithdrawn,
    ReturneeMerged,
    ReturneeUnmerged,
)
from libs.events.codes import CancelReason, CloseReason, RecallReason
from services.referral.endings import ends
from services.referral.intake.actions import ACTOR
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions import work
from services.referral.lifecycles.rules import NeedStatus
from services.referral.notes import actions as notes
from services.referral.ownership.actions import forget_words
from services.referral.pack.policy import RoutingPolicy
from services.referral.providers import queries as providers
from services.referral.steps import needs as need_steps


def _month(column: str) -> str:
    return f"date_trunc('month', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"


_FORGET = f"""
UPDATE journey SET profile = NULL, case_code = NULL, arrival_batch_id = NULL, traceparent = NULL,
    first_seen_at = {_month("first_seen_at")}, erased_at = $2, consents = (
    SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(consents) WHERE split_part(key, ':', 1) = $3)
WHERE returnee_id = ANY($1::uuid[])
"""  # noqa: S608 (constants)
# By which a person could be told from others: the moment of the arrival, the municipality, the flight, the code by
# which organisations know them. Months and departments are what a statistic needs.
_COARSEN = (
    f"""
    UPDATE need SET reported_at = {_month("reported_at")}, area = left(area, 4),
        arrival_batch_id = NULL, traceparent = NULL
    WHERE returnee_id = ANY($1::uuid[])""",  # noqa: S608 (constants)
    f"""
    UPDATE referral SET opened_at = {_month("opened_at")},
        waiting_since = {_month("waiting_since")}, arrival_batch_id = NULL, traceparent = NULL
    WHERE returnee_id = ANY($1::uuid[])""",  # noqa: S608 (constants)
    "UPDATE offer SET case_code = '', traceparent = NULL WHERE returnee_id = ANY($1::uuid[])",
)


# What stays of an erased person is de-identified. It is counted as long as they had allowed that it is.
async def withdraw_needs(session: AsyncSession, policy: RoutingPolicy, withdrawn: Sequence[NeedWithdrawn]) -> None:
    """The returnee no longer asks for these: offers are recalled, places come free, no reason is asked for."""
    loaded = await journeys.load(session, {one.returnee_id for one in withdrawn})
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for one in withdrawn:
            need = loaded[one.returnee_id].needs.get(one.need_id)
            if need is not None and need.status is NeedStatus.OPEN:
                need_steps.refuse(piece, need, recall_reason=RecallReason.NEED_WITHDRAWN)


async def erase(session: AsyncSession, policy: RoutingPolicy, returnee_ids: Collection[UUID]) -> None:
    """Close what is open for these returnees and drop what is known of them; de-identified facts stay."""
    loaded = await journeys.load(session, returnee_ids)
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for journey in loaded.values():
            for need in journey.needs.values():
                if need.status is NeedStatus.OPEN:
                    need_steps.close(
                        piece, need, reason=CloseReason.ERASED, cancel=CancelReason.ERASED, recall=RecallReason.ERASED
                    )
    hand_overs = await forget_words(session, returnee_ids)
    await notes.wipe(session, returnee_ids, hand_over_ids=hand_overs)
    connection, erased = await raw(session), sorted(returnee_ids)
    await connection.execute(_FORGET, erased, now(session), policy.consents.statistics.purpose)
    for statement in _COARSEN:
        await connection.execute(statement, erased)


async def keep_merges(
    session: AsyncSession, policy: RoutingPolicy, told: Sequence[ReturneeMerged | ReturneeUnmerged]
) -> None:
    """Two records are one person, or are not after all: their open needs go where they belong, and none is lost."""
    pairs = [(one, one.into_returnee_id if isinstance(one, ReturneeMerged) else one.from_returnee_id) for one in told]
    loaded = await journeys.load(session, {key for one, other in pairs for key in (one.returnee_id, other)})
    conflicts = await providers.conflicts_of(session, loaded)
    async with work(session, policy, loaded, actor=ACTOR) as piece:
        for one, other in pairs:
            both = conflicts.get(one.returnee_id, set()) | conflicts.get(other, set())
            journey, kept = loaded[one.returnee_id], loaded[other]
            if isinstance(one, ReturneeUnmerged):
                if journey.merged_into == other:
                    ends.unmerge(piece, journey, kept)
            elif journey.merged_into != other and one.returnee_id != other:
                ends.merge(piece, journey, kept, conflicting=both)
                conflicts[one.returnee_id] = conflicts[other] = both
