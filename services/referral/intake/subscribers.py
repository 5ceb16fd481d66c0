"""What registration publishes of returnees, households, arrival batches and needs."""

from collections.abc import Sequence
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
from services.referral.pack import RoutingPolicy


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy) -> None:
    """Listen to registration; every batch first locks the journeys that it is about."""

    @subscriptions.before_batch
    async def lock_journeys(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        returnees: dict[UUID, str | None] = {}
        members: set[UUID] = set()
        household_ids: set[UUID] = set()
        for received in batch:
            event = received.event
            if isinstance(event, RegistrationEvent):
                returnees.setdefault(event.returnee_id, received.traceparent)
                other = _other_record(event)
                if other is not None:
                    returnees.setdefault(other, received.traceparent)
                if isinstance(event, RoutingProfile) and event.household_id is not None:
                    household_ids.add(event.household_id)
            elif isinstance(event, HouseholdChanged):
                returnees.setdefault(event.reference_returnee_id, received.traceparent)
                members.update(event.member_ids)
        if returnees:
            await actions.lock_journeys(session, returnees, members=members, household_ids=household_ids)

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


def _other_record(event: RegistrationEvent) -> UUID | None:
    """The second journey of a merge or its undoing: needs move between the two."""
    if isinstance(event, ReturneeMerged):
        return event.into_returnee_id
    return event.from_returnee_id if isinstance(event, ReturneeUnmerged) else None
