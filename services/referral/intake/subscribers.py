"""Receives events from registration about returnees, households, arrival batches and needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.kept_apart import PairEvent
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
from services.referral.intake.actions import PlaceAtOnce
from services.referral.pack.policy import RoutingPolicy

_NEEDS_LAST: Final = "services.referral.intake.needs_last"
"""The name in `session.info` of the number of needs in a batch, if its last call of a handler is for all of them."""


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy, *, place: PlaceAtOnce | None = None) -> None:
    """Subscribe to registration. Before a batch is handled, all its journeys are locked.

    `place` offers new referrals at once. It is called at most once for a batch, and after that no other event of the
    batch is handled: an event that follows could change what the offers depend on, or lock pools in another order.
    """

    @subscriptions.before_batch
    async def lock_journeys(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        one = _concerned(batch)
        if one.returnees or one.apart:
            await actions.lock_journeys(
                session, one.returnees, members=one.members, household_ids=one.household_ids, apart=one.apart
            )
        session.info[_NEEDS_LAST] = _needs_last(batch)

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
        # A part of a batch, which is handled under a savepoint because an event has failed, leaves its needs to the
        # router. So an error in placing them never parks an event.
        is_last = session.info.get(_NEEDS_LAST) == len(batch) and not session.in_nested_transaction()
        await actions.record_needs(session, policy, batch, place=place if is_last else None)

    @subscriptions.on(ArrivalBatchLanded)
    async def land_batches(session: AsyncSession, batch: Sequence[Received[ArrivalBatchLanded]]) -> None:
        await actions.land_batches(session, [received.event for received in batch])

    @subscriptions.on(ArrivalBatchIntakeCompleted)
    async def complete_batches(session: AsyncSession, batch: Sequence[Received[ArrivalBatchIntakeCompleted]]) -> None:
        await actions.complete_batches(session, [received.event for received in batch])


def _needs_last(batch: Sequence[Received[Event]]) -> int | None:
    """The number of needs, if each key of the batch ends with needs and has none before. They are then handled in one
    call, the last one of the batch (`libs/events/handling/waves.py`). Otherwise None."""
    needs, reported = 0, set[str]()
    for received in batch:
        if isinstance(received.event, NeedReported):
            needs += 1
            reported.add(received.key)
        elif received.key in reported:
            return None
    return needs if all(received.key in reported for received in batch) else None


@dataclass(slots=True)
class _Concerned:
    """The people and households of a batch of events."""

    returnees: dict[UUID, str | None] = field(default_factory=dict)
    """Each with the traceparent of the first event that names the returnee."""
    members: set[UUID] = field(default_factory=set)
    household_ids: set[UUID] = field(default_factory=set)
    """Households to which people of the batch belong now."""
    apart: set[UUID] = field(default_factory=set)
    """People who must be kept apart, or not any more."""


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
        elif isinstance(event, PairEvent):
            found.apart |= {event.first_returnee_id, event.second_returnee_id}
    return found


def _other_record(event: RegistrationEvent) -> UUID | None:
    """The second record of a merge or its reversal, because needs move between the two."""
    if isinstance(event, ReturneeMerged):
        return event.into_returnee_id
    return event.from_returnee_id if isinstance(event, ReturneeUnmerged) else None
