"""The steps of a referral after acceptance, and the actions of its clocks. The journey is locked first."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work
from libs.events.codes import Awaited, CancelReason, NotDeliveredReason, Outcome, OwnerReason
from libs.events.detail_values import FactValue
from services.referral.access import Rights
from services.referral.clocks.queries import Due
from services.referral.journeys.actions.writing import fired, opened
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.judging.actions import require_going_on, uphold
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.referrals import queries
from services.referral.router.actions.override import place_by_hand
from services.referral.steps import needs as need_steps
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps

_ON_ITS_WAY = frozenset({ReferralStatus.SEEKING, ReferralStatus.WAITLISTED, ReferralStatus.BLOCKED})


async def start_referral(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, *, actor: str
) -> UUID:
    """Record that the service has begun. Refused if the accepted offer is not allowed any more."""
    async with locked(session, policy, rights, referral_id, actor=actor) as (piece, referral):
        await require_going_on(session, piece, referral)
        referral_steps.start(piece, referral)
    return referral_id


async def uphold_referral(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, *, reason: str, actor: str
) -> UUID:
    """A person lets a halted offer continue. Interlocks and legal rules apply to people too."""
    async with locked(session, policy, rights, referral_id, actor=actor) as (piece, referral):
        await uphold(session, piece, referral, note=reason)
    return referral_id


async def override_referral(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    referral_id: UUID,
    *,
    provider_service_id: UUID,
    reason: str,
    actor: str,
) -> UUID:
    """A person chooses the service. A live offer is recalled. Interlocks, legal rules and free places still apply."""
    returnee_id = await queries.returnee_of(session, rights, referral_id)
    async with own_work(session):
        await place_by_hand(
            session,
            policy,
            returnee_id,
            referral_id,
            provider_service_id=provider_service_id,
            reason=reason,
            actor=actor,
        )
    return referral_id


async def complete_referral(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    referral_id: UUID,
    *,
    outcome: Outcome,
    facts: Mapping[str, FactValue],
    given_kind: str | None,
    actor: str,
) -> UUID:
    """The service is done. If the outcome meets the need, the need ends, and needs that waited for it are routed."""
    async with locked(session, policy, rights, referral_id, actor=actor) as (piece, referral):
        need_steps.complete(piece, referral, outcome=outcome, facts=facts, given_kind=given_kind)
    return referral_id


async def report_not_delivered(
    session: AsyncSession,
    policy: RoutingPolicy,
    rights: Rights,
    referral_id: UUID,
    *,
    reason: NotDeliveredReason,
    actor: str,
) -> UUID:
    """An accepted service did not happen. The routing of the need starts again."""
    async with locked(session, policy, rights, referral_id, actor=actor) as (piece, referral):
        need_steps.report_not_delivered(piece, referral, reason=reason)
    return referral_id


async def cancel_referral(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, *, reason: CancelReason, actor: str
) -> UUID:
    """Cancel the referral. The reason decides what happens to the need."""
    async with locked(session, policy, rights, referral_id, actor=actor) as (piece, referral):
        need_steps.cancel(piece, referral, reason=reason)
    return referral_id


async def enter_in_error(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, *, note: str | None, actor: str
) -> UUID:
    """The referral was a mistake. A desk becomes the owner of its need."""
    async with locked(session, policy, rights, referral_id, actor=actor) as (piece, referral):
        need_steps.enter_in_error(piece, referral, note=note)
    return referral_id


async def escalate_overdue_routing(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """No offer was made in time. The lead desk owns the need, and routing continues."""
    await _escalate(session, policy, due, while_in=_ON_ITS_WAY, reason=OwnerReason.ROUTING_OVERDUE)


async def escalate_incomplete_household(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """The household is still incomplete, so its need cannot be routed. The lead desk owns the need."""
    complete = await queries.of_complete_households(session, [one.subject_id for one in due])
    late = [one for one in due if one.subject_id not in complete]
    await _escalate(session, policy, late, while_in=_ON_ITS_WAY, reason=OwnerReason.ROUTING_OVERDUE)


async def escalate_overdue_queue(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """No place has become free in time. The lead desk owns the need, which keeps its place in the queue."""
    waiting = frozenset({ReferralStatus.WAITLISTED})
    await _escalate(session, policy, due, while_in=waiting, reason=OwnerReason.WAITLIST_OVERDUE)


async def escalate_overdue_start(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """An accepted service has not begun in time. The lead desk becomes the owner and asks the provider."""
    accepted = frozenset({ReferralStatus.ACCEPTED})
    await _escalate(session, policy, due, while_in=accepted, reason=OwnerReason.REPORT_OVERDUE)


async def escalate_overdue_report(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """A service has no outcome in time. The lead desk becomes the owner and asks the provider."""
    running = frozenset({ReferralStatus.IN_SERVICE})
    await _escalate(session, policy, due, while_in=running, reason=OwnerReason.REPORT_OVERDUE)


async def remind_of_starts(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """Remind providers of accepted services that have not begun."""
    await _remind(session, policy, due, while_in=ReferralStatus.ACCEPTED, awaits=Awaited.START)


async def remind_of_reports(session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due]) -> None:
    """Remind providers of services without an outcome."""
    await _remind(session, policy, due, while_in=ReferralStatus.IN_SERVICE, awaits=Awaited.REPORT)


async def _remind(
    session: AsyncSession, policy: RoutingPolicy, due: Sequence[Due], *, while_in: ReferralStatus, awaits: Awaited
) -> None:
    """Remind providers, unless the deadline has passed too, for example after a long downtime. Then the desk asks."""
    _, deadline = referral_steps.CLOCKS_OF[awaits]
    due_by = await queries.run_out_at(session, [one.subject_id for one in due], deadline)
    async with fired(session, policy, due, Referral) as (piece, found):
        for referral in found:
            waited_for = referral.status is while_in and referral.halted_since is None
            if waited_for and due_by.get(referral.referral_id, piece.at) > piece.at:
                referral_steps.remind(piece, referral, awaits=awaits, due_by=due_by[referral.referral_id])


async def _escalate(
    session: AsyncSession,
    policy: RoutingPolicy,
    due: Sequence[Due],
    *,
    while_in: frozenset[ReferralStatus],
    reason: OwnerReason,
) -> None:
    async with fired(session, policy, due, Referral) as (piece, found):
        for referral in found:
            if referral.status in while_in:
                routing_steps.escalate(piece, referral, reason)


@asynccontextmanager
async def locked(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID, *, actor: str
) -> AsyncIterator[tuple[Work, Referral]]:
    """Lock and load the journey of this referral for a piece of work, which is written at the end."""
    returnee_id = await queries.returnee_of(session, rights, referral_id)
    async with opened(session, policy, [returnee_id], actor=actor) as piece:
        yield piece, piece.journeys[returnee_id].referrals[referral_id]
