"""What people decide about a need. The journey is locked first."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.codes import OwnerReason
from services.referral.clocks.queries import Due
from services.referral.journeys import need_steps, routing_steps
from services.referral.journeys import queries as journeys
from services.referral.journeys.access import Rights
from services.referral.journeys.actions import work
from services.referral.journeys.facts import Need
from services.referral.journeys.owners import assign
from services.referral.journeys.rules import NeedStep
from services.referral.journeys.work import Work
from services.referral.needs import queries
from services.referral.needs.schemas import CloseReason
from services.referral.pack import RoutingPolicy


async def assign_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, owner: str, actor: str
) -> UUID:
    """A person names the desk that answers for an open need."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.require_open(need, NeedStep.ASSIGN)
        assign(piece, need, owner=owner, reason=OwnerReason.BY_HAND)
    return need_id


async def acknowledge_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """The owner has seen the need and has it in hand: its longer clock starts anew."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.acknowledge(piece, need)
    return need_id


async def escalate_silent_owners(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """Owners of these needs have given no sign of life in time: the desk above answers; their journeys are locked."""
    loaded = await journeys.load(session, {one.returnee_id for one in due})
    async with work(session, policy, loaded, actor="clock") as piece:
        for one in due:
            need = loaded[one.returnee_id].needs[one.subject_id]
            if need.owner is not None:
                routing_steps.escalate_silence(piece, need)


async def refuse_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """The returnee does not want help with this; no reason is asked for."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.refuse(piece, need)
    return need_id


async def close_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, reason: CloseReason, actor: str
) -> UUID:
    """A named person ends the need, with a coded reason."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.close(piece, need, reason=reason.value)
    return need_id


async def reopen_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """The need is open again, and routing starts anew."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.reopen(piece, need)
    return need_id


async def seek_again(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """A person lets the router look again for an open need."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.seek_again(piece, need)
    return need_id


@asynccontextmanager
async def _locked(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Need]]:
    returnee_id = await queries.returnee_of(session, rights, need_id)
    await journeys.lock(session, [returnee_id])
    loaded = await journeys.load(session, [returnee_id])
    async with work(session, policy, loaded, actor=actor) as piece:
        yield piece, loaded[returnee_id].needs[need_id]
