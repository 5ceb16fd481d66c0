"""What people decide about a need. The journey is locked first."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.codes import CloseReason, JourneyEnd, OwnerReason
from services.referral.access import Rights
from services.referral.clocks.queries import Due
from services.referral.endings import ends
from services.referral.errors import JourneyEnded, StepNotAllowed
from services.referral.journeys.actions import fired, opened
from services.referral.journeys.facts import Journey, Need
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import NeedStep
from services.referral.needs import queries
from services.referral.pack.policy import RoutingPolicy
from services.referral.steps import needs as need_steps
from services.referral.steps import prerequisites as prerequisite_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps.owners import assign


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
    async with fired(session, policy, due, Need) as (piece, needs):
        for need in needs:
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
        need_steps.close(piece, need, reason=reason)
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


async def set_prerequisite(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, prerequisite_id: UUID, actor: str
) -> None:
    """The need waits from now on until another need of the same person is met."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        other = piece.journeys[need.returnee_id].needs.get(prerequisite_id)
        hidden = other is not None and other.restricted and not rights.restricted
        prerequisite_steps.set_prerequisite(piece, need, need_id if hidden else prerequisite_id)


async def remove_prerequisite(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> None:
    """The need waits on no other need any more."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        prerequisite_steps.remove_prerequisite(piece, need)


async def end_journey(
    session: AsyncSession, policy: RoutingPolicy, returnee_id: UUID, *, reason: JourneyEnd, actor: str
) -> UUID:
    """The person has died or left: every need ends, but those of a household, about which a desk decides."""
    async with _journeys(session, policy, returnee_id, actor=actor) as (piece, journey, of_household):
        if journey.journey_end_reason is not None:
            raise JourneyEnded(reason=journey.journey_end_reason)
        ends.end(piece, journey, reason=reason)
        if of_household is not None:
            ends.leave_household(piece, of_household, household_id=journey.household_id)
    return returnee_id


async def reopen_journey(session: AsyncSession, policy: RoutingPolicy, returnee_id: UUID, *, actor: str) -> UUID:
    """The end was a mistake, or the person is back: what it had closed is open again."""
    async with _journeys(session, policy, returnee_id, actor=actor) as (piece, journey, _):
        if journey.journey_end_reason in {None, JourneyEnd.MERGED}:
            state = journey.journey_end_reason or "going_on"
            raise StepNotAllowed(
                "Only a journey that was ended by staff can be reopened", subject="journey", state=state, step="reopen"
            )
        ends.resume(piece, journey)
    return returnee_id


@asynccontextmanager
async def _journeys(
    session: AsyncSession, policy: RoutingPolicy, returnee_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Journey, Journey | None]]:
    """This journey, and that of the household's reference person if it is another, locked in order."""
    reference = await queries.household_reference(session, returnee_id)
    wanted = {returnee_id} | ({reference} if reference is not None else set())
    async with opened(session, policy, wanted, actor=actor) as piece:
        other = None if reference is None or reference == returnee_id else piece.journeys.get(reference)
        yield piece, piece.journeys[returnee_id], other


@asynccontextmanager
async def _locked(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Need]]:
    returnee_id = await queries.returnee_of(session, rights, need_id)
    async with opened(session, policy, [returnee_id], actor=actor) as piece:
        yield piece, piece.journeys[returnee_id].needs[need_id]
