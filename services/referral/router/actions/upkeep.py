"""The work of the leading router between rounds. Each function runs in its own transaction."""

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
from services.referral.router.actions.rounds import Memory
from services.referral.waitlists import actions as waitlists

RECORD_OF: Final = timedelta(days=30)
"""The period of the services' answer records."""


async def open_batches(session: AsyncSession, policy: RoutingPolicy) -> None:
    """Release the normal needs of a flight when all returnees and needs that its intake counted have arrived here, or
    when this takes too long.

    This needs its own transaction: a round that held the row of a flight could wait for a consumer that waits for the
    same row.
    """
    await intake.open_batches(session, timeout=timedelta(seconds=policy.rounds.batch_timeout))


async def end_kept_pools(session: AsyncSession) -> None:
    """Stop keeping a pool when its referral has left the queue or the time is over, so that others can use it."""
    await places.open_anew(session, await waitlists.end_kept(session, at=now(session)))


async def judge_unfit(session: AsyncSession, policy: RoutingPolicy, memory: Memory) -> int:
    """Recall the offers, and halt the accepted offers, at services that may take nobody now: suspended, withdrawn, or
    without a valid licence or agreement today. Returns how many people were concerned."""
    at = now(session)
    # Found once a minute and whenever an organisation changes. A service that changes is evaluated by `judge_marked`.
    state = await providers.organizations_changed(session), at.replace(second=0, microsecond=0)
    if memory.unfit[0] != state:
        memory.unfit = state, await providers.unfit(session, at)
    unfit = memory.unfit[1]
    return await judging.judge_unfit(session, policy, unfit) if unfit else 0


async def add_up_supply(session: AsyncSession) -> None:
    """Add the recent changes of supply to the totals."""
    await places.add_up_supply(session)


async def judge_marked(session: AsyncSession, policy: RoutingPolicy) -> int:
    """Evaluate again the offers of services that were published again."""
    await judging.mark_concerned(session)
    return await judging.judge_marked(session, policy)


async def judge_consent_run_out(session: AsyncSession, policy: RoutingPolicy) -> int:
    """Evaluate again the offers of people whose consent has expired."""
    return await judging.judge_consent_run_out(session, policy)


async def judge_meeting(session: AsyncSession, policy: RoutingPolicy) -> int:
    """Evaluate again the offers of people who must be kept apart and meet all the same."""
    return await judging.judge_meeting(session, policy)


async def refresh_records(session: AsyncSession, memory: Memory) -> None:
    """Update the answer records of the services."""
    memory.records = await queries.answer_records(session, since=now(session) - RECORD_OF)
