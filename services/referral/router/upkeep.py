"""What the leading router does between rounds, each in a transaction of its own."""

from datetime import timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.events.codes import RecallReason
from services.referral.journeys import queries as journeys
from services.referral.journeys import referral_steps
from services.referral.journeys.actions import work
from services.referral.pack import RoutingPolicy
from services.referral.places import actions as places
from services.referral.providers import queries as providers
from services.referral.providers.queries import Directory
from services.referral.router import queries
from services.referral.router.actions import Memory
from services.referral.waitlists import actions as waitlists

RECORD_OF: Final = timedelta(days=30)
"""How far back the record of answering looks."""


async def open_batches(session: AsyncSession, policy: RoutingPolicy) -> None:
    """Let the ordinary needs go of flights whose intake is complete and seen, or has taken too long.

    In a transaction of its own: a round that held a flight's row could wait for a consumer that waits for that row.
    """
    timeout = timedelta(seconds=policy.rounds.batch_timeout)
    await queries.open_batches(session, at=now(session), timeout=timeout)


async def end_kept_pools(session: AsyncSession) -> None:
    """Open what was kept for the head of a queue to those behind, once it has left or kept it for too long."""
    await places.open_anew(session, await waitlists.end_kept(session, at=now(session)))


async def recall_from_inactive(session: AsyncSession, policy: RoutingPolicy, *, limit: int = 200) -> int:
    """Take back offers at services that were suspended or withdrawn since; returns how many."""
    returnees = await queries.asked_at_inactive(session, limit=limit)
    claimed = await journeys.claim(session, returnees) if returnees else set()
    if not claimed:
        return 0
    memory = Memory(directory=await providers.refreshed(session, Directory()))
    loaded = await journeys.load(session, claimed)
    recalled = 0
    async with work(session, policy, loaded, actor="router") as piece:
        for journey in loaded.values():
            for offer in [one for one in journey.offers.values() if one.is_live]:
                if not memory.directory.is_active(offer.provider_service_id):
                    referral_steps.recall_offer(piece, offer, reason=RecallReason.SERVICE_WITHDRAWN)
                    recalled += 1
    return recalled


async def refresh_records(session: AsyncSession, memory: Memory) -> None:
    """Read again how services have answered lately."""
    memory.records = await queries.answer_records(session, since=now(session) - RECORD_OF)
