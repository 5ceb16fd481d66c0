"""Changes of stays by people, and the actions of the clocks of stays. The journey is locked first."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.etag import Condition
from services.referral.access import Rights
from services.referral.clocks.queries import Due
from services.referral.journeys.actions.writing import fired, opened
from services.referral.journeys.facts import Referral, Stay
from services.referral.journeys.work import Work
from services.referral.judging.actions import require_going_on
from services.referral.pack.policy import RoutingPolicy
from services.referral.stays import queries
from services.referral.stays.schemas import ExtendBody, PlanBody
from services.referral.steps import stays as stay_steps


async def plan_exit(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    referral_id: UUID,
    plan: PlanBody,
    *,
    condition: Condition,
    actor: str,
) -> None:
    """Update the exit plan. Refused if it was changed after the caller read it."""
    async with _locked(session, policy, rights, referral_id, actor=actor) as (piece, referral, stay):
        stay_steps.require_plannable(referral, by_staff=rights.organization_id is None)
        condition.check(stay.version)
        stay_steps.plan(piece, referral, stay, next_step=plan.next_step, items=plan.items.statuses())


async def extend_stay(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, more: ExtendBody, *, actor: str
) -> UUID:
    """A person extends the stay, with a reason. Refused if the accepted offer is not allowed any more."""
    async with _locked(session, policy, rights, referral_id, actor=actor) as (piece, referral, stay):
        await require_going_on(session, piece, referral)
        stay_steps.extend(piece, referral, stay, hours=more.hours, note=more.reason)
    return referral_id


async def ring_alarms(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """The ends of these stays approach. If several alarms of a stay are late, only the last one is sent. After the
    end no alarm is sent, because the end has its own clock."""
    last: dict[UUID, Due] = {}
    for one in sorted(due, key=lambda one: one.nth):
        last[one.subject_id] = one
    async with _due(session, policy, list(last.values())) as (piece, found):
        for one, referral, stay in found:
            if stay.ends_at > piece.at:
                stay_steps.alarm(piece, referral, stay, nth=one.nth)


async def run_out(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """These stays have reached their end, and the people are still there."""
    async with _due(session, policy, due) as (piece, found):
        for _, referral, stay in found:
            stay_steps.run_out(piece, referral, stay)


@asynccontextmanager
async def _due(
    session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]
) -> AsyncIterator[tuple[Work, list[tuple[Due, Referral, Stay]]]]:
    """A piece of work for the subjects of these clocks, with the stays that have not ended."""
    stays = await queries.load(session, {one.subject_id for one in due})
    running = [one for one in due if one.subject_id in stays and stays[one.subject_id].ended_at is None]
    async with fired(session, policy, running, Referral) as (piece, referrals):
        found = zip(running, referrals, strict=True)
        yield piece, [(one, referral, stays[referral.referral_id]) for one, referral in found]


@asynccontextmanager
async def _locked(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Referral, Stay]]:
    """Lock and load the journey of this stay for a piece of work, which is written at the end."""
    returnee_id = await queries.returnee_of(session, rights, referral_id)
    async with opened(session, policy, [returnee_id], actor=actor) as piece:
        stay = (await queries.load(session, [referral_id]))[referral_id]
        yield piece, piece.journeys[returnee_id].referrals[referral_id], stay
