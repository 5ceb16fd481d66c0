"""What the leading router does between rounds, each in a transaction of its own."""

from datetime import timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from services.referral.intake import actions as intake
from services.referral.judging import actions as judging
from services.referral.pack.policy import RoutingPolicy
from services.referral.places import actions as places
from services.referral.providers import queries as providers
from services.referral.router import queries
from services.referral.router.actions import Memory
from services.referral.waitlists import actions as waitlists

RECORD_OF: Final = timedelta(days=30)
"""How far back the record of answering looks."""


async def open_batches(session: AsyncSession, policy: RoutingPolicy) -> None:
    """Let the ordinary needs go of flights whose intake is complete and seen, or has taken too long.

    In a transaction of its own: a round that held a flight's row could wait for a consumer that waits for that row.
    """
    await intake.open_batches(session, timeout=timedelta(seconds=policy.rounds.batch_timeout))


async def end_kept_pools(session: AsyncSession) -> None:
    """Open what was kept for the head of a queue to those behind, once it has left or kept it for too long."""
    await places.open_anew(session, await waitlists.end_kept(session, at=now(session)))


async def judge_unfit(session: AsyncSession, policy: RoutingPolicy, memory: Memory) -> int:
    """Recall what is offered, and halt what is accepted, at services that may take nobody now: suspended, withdrawn,
    or without a valid licence or agreement today. How many people were judged."""
    memory.directory = await providers.refreshed(session, memory.directory)
    unfit = memory.unfit_at(now(session))
    return await judging.judge_unfit(session, policy, unfit) if unfit else 0


async def judge_marked(session: AsyncSession, policy: RoutingPolicy) -> int:
    """Judge who is concerned by services that were published anew."""
    await judging.mark_concerned(session)
    return await judging.judge_marked(session, policy)


async def judge_consent_run_out(session: AsyncSession, policy: RoutingPolicy) -> int:
    """Judge who is with a provider although a consent has run out."""
    return await judging.judge_consent_run_out(session, policy)


async def refresh_records(session: AsyncSession, memory: Memory) -> None:
    """Read again how services have answered lately."""
    memory.records = await queries.answer_records(session, since=now(session) - RECORD_OF)
