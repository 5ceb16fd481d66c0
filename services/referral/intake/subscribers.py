"""Receives events from registration about returnees, households, arrival batches and needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.registration import (
    ArrivalBatchIntakeCompleted,
    ArrivalBatchLanded,
    HouseholdChanged,
    NeedReported,
    RegistrationEvent,
    ReturneeChanged,
    ReturneeMerged,
    ReturneeRegistered,
    ReturneeUnmerged,
    RoutingProfile,
)
from libs.events.event import Event, Received
from libs.events.subscriptions import Subscriptions
from services.referral.intake import actions
from services.referral.pack.policy import RoutingPolicy


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy) -> None:
    """Subscribe to registration. Before a batch is handled, all its journeys are locked."""

    @subscriptions.before_batch
    async def lock_journeys(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        concerned = _concerned(batch)
        if concerned.returnees:
            await actions.lock_journeys(
                session, concerned.returnees, members=concerned.members, household_ids=concerned.household_ids
            )

    @subscriptions.on(ReturneeRegistered, ReturneeChanged)
    async def keep_profiles(
        session: AsyncSession, batch: Sequence[Received[ReturneeRegistered | ReturneeChanged]]
    ) -> None:
        await actions.keep_profiles(session, policy, [received.event for received in batch])

    @subscriptions.on(HouseholdChanged)
    async def keep_households(session: AsyncSession, batch: Sequence[Received[HouseholdChanged]]) -> None:
        await actions.keep_households(session, policy, [received.event for received in batch])

    @subscriptions.on(NeedReported)
    async def record_needs(session: AsyncSession, batch: Sequence[Received[NeedReported]]) -> None:
        await actions.record_needs(session, policy, batch)

    @subscriptions.on(ArrivalBatchLanded)
    async def land_batches(session: AsyncSession, batch: Sequence[Received[ArrivalBatchLanded]]) -> None:
        await actions.land_batches(session, [received.event for received in batch])

    @subscriptions.on(ArrivalBatchIntakeCompleted)
    async def complete_batches(session: AsyncSession, batch: Sequence[Received[ArrivalBatchIntakeCompleted]]) -> None:
        await actions.complete_batches(session, [received.event for received in batch])


@dataclass(slots=True)
class _Concerned:
    """The people and households of a batch of events."""

    returnees: dict[UUID, str | None] = field(default_factory=dict)
    """Each with the traceparent of the first event that names the returnee."""
    members: set[UUID] = field(default_factory=set)
    household_ids: set[UUID] = field(default_factory=set)
    """Households to which people of the batch belong now."""


def _concerned(batch: Sequence[Received[Event]]) -> _Concerned:
    found = _Concerned()
    for received in batch:
        event = received.event
        if isinstance(event, RegistrationEvent):
            found.returnees.setdefault(event.returnee_id, received.traceparent)
            other = _other_record(event)
            if other is not None:
                found.returnees.setdefault(other, received.traceparent)
            if isinstance(event, RoutingProfile) and event.household_id is not None:
                found.household_ids.add(event.household_id)
        elif isinstance(event, HouseholdChanged):
            found.returnees.setdefault(event.reference_returnee_id, received.traceparent)
            found.members.update(event.member_ids)
    return found


def _other_record(event: RegistrationEvent) -> UUID | None:
    """The second record of a merge or its reversal, because needs move between the two."""
    if isinstance(event, ReturneeMerged):
        return event.into_returnee_id
    return event.from_returnee_id if isinstance(event, ReturneeUnmerged) else None
