"""Decisions of people about needs. Each action locks the journey first."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.codes import CloseReason, JourneyEnd, OwnerReason
from services.referral.access import Rights
from services.referral.clocks.queries import Due
from services.referral.consequences import endings
from services.referral.errors import JourneyEnded, StepNotAllowed
from services.referral.journeys.actions.writing import fired, opened
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
    """A person names the desk that owns an open need."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.require_open(need, NeedStep.ASSIGN)
        assign(piece, need, owner=owner, reason=OwnerReason.BY_HAND)
    return need_id


async def acknowledge_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """The owner confirms that it works on the need. The longer of its two clocks starts again."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.acknowledge(piece, need)
    return need_id


async def escalate_silent_owners(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """The owners of these needs gave no sign of life in time. The desk above becomes the owner. The journeys are
    already locked."""
    async with fired(session, policy, due, Need) as (piece, needs):
        for need in needs:
            if need.owner is not None:
                routing_steps.escalate_silence(piece, need)


async def refuse_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """The returnee does not want help with this need. No reason is required."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.refuse(piece, need)
    return need_id


async def close_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, reason: CloseReason, actor: str
) -> UUID:
    """A member of staff ends the need, with a coded reason."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.close(piece, need, reason=reason)
    return need_id


async def reopen_need(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """Open the need again and restart its routing."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.reopen(piece, need)
    return need_id


async def seek_again(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> UUID:
    """A person asks the router to search again for an open need."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        need_steps.seek_again(piece, need)
    return need_id


async def set_prerequisite(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, prerequisite_id: UUID, actor: str
) -> None:
    """From now on the need waits until another need of the same person is met."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        other = piece.journeys[need.returnee_id].needs.get(prerequisite_id)
        hidden = other is not None and other.restricted and not rights.restricted
        prerequisite_steps.set_prerequisite(piece, need, need_id if hidden else prerequisite_id)


async def remove_prerequisite(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID, *, actor: str
) -> None:
    """Remove the prerequisite of the need."""
    async with _locked(session, policy, rights, need_id, actor=actor) as (piece, need):
        prerequisite_steps.remove_prerequisite(piece, need)


async def end_journey(
    session: AsyncSession, policy: RoutingPolicy, returnee_id: UUID, *, reason: JourneyEnd, actor: str
) -> UUID:
    """The person has died or left. Every need ends, except those of a household, about which a desk decides."""
    async with _journeys(session, policy, returnee_id, actor=actor) as (piece, journey, of_household):
        if journey.journey_end_reason is not None:
            raise JourneyEnded(reason=journey.journey_end_reason)
        endings.end(piece, journey, reason=reason)
        if of_household is not None:
            endings.leave_household(piece, of_household, household_id=journey.household_id)
    return returnee_id


async def reopen_journey(session: AsyncSession, policy: RoutingPolicy, returnee_id: UUID, *, actor: str) -> UUID:
    """The end was a mistake, or the person is back. The needs that it had closed are reopened."""
    async with _journeys(session, policy, returnee_id, actor=actor) as (piece, journey, _):
        if journey.journey_end_reason in {None, JourneyEnd.MERGED}:
            state = journey.journey_end_reason or "going_on"
            raise StepNotAllowed(
                "Only a journey that was ended by staff can be reopened", subject="journey", state=state, step="reopen"
            )
        endings.resume(piece, journey)
    return returnee_id


@asynccontextmanager
async def _journeys(
    session: AsyncSession, policy: RoutingPolicy, returnee_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Journey, Journey | None]]:
    """Lock this journey and, if it is a different one, that of the household's reference person, in order of ids."""
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
