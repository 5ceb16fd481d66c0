"""Receives events and stores those that concern an organisation in its inbox and for its endpoints."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.directory import CapacityRefreshRequested
from libs.events.catalogue.notifications import EndpointDisabled
from libs.events.catalogue.referral import (
    OfferAccepted,
    OfferExpired,
    OfferHalted,
    OfferMade,
    OfferRecalled,
    OfferReminded,
    OfferUpheld,
    ReferralCancelled,
    ReferralEnteredInError,
    ReferralNotDelivered,
    ReferralReminded,
    StayEnding,
)
from libs.events.catalogue.registration import PacketDeletionRequested
from libs.events.event import Event, Received
from libs.events.subscriptions import Subscriptions
from services.notifications.deliveries.rules import Notice, fields_told, notice_body
from services.notifications.endpoints.rules import NotifiedType
from services.notifications.inbox import actions

TOLD: tuple[type[Event], ...] = (
    OfferMade,
    OfferReminded,
    OfferAccepted,
    OfferExpired,
    OfferRecalled,
    OfferHalted,
    OfferUpheld,
    ReferralCancelled,
    ReferralEnteredInError,
    ReferralNotDelivered,
    ReferralReminded,
    StayEnding,
    PacketDeletionRequested,
    CapacityRefreshRequested,
    EndpointDisabled,
)
"""The events that a provider must know of and has not caused by its own call."""


def subscribe(subscriptions: Subscriptions) -> None:
    """Subscribe to all events of which providers are notified."""
    subscriptions.on(*TOLD)(file_notices)


async def file_notices(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
    """Store notifications for the organisations that these events name. Events without an organisation are skipped."""
    await actions.file_notices(session, [notice for received in batch if (notice := notice_of(received)) is not None])


def notice_of(received: Received[Event]) -> Notice | None:
    """The notification of an event for the organisation that it names, or None if it names none.

    A referral that is cancelled before a provider has accepted it names no organisation. An `OfferUpheld` that no desk
    decided is skipped: it would tell the provider only that facts have changed. The decision of a desk is sent.
    """
    event = received.event
    organization_id: UUID | None = getattr(event, "organization_id", None)
    if organization_id is None or (isinstance(event, OfferUpheld) and not event.by_desk):
        return None
    event_type = NotifiedType(event.type)
    fields = fields_told(event_type, restricted=getattr(event, "restricted", False))
    data = event.__pydantic_serializer__.to_json(event, include=set(fields), exclude_none=True).decode()
    return Notice(
        message_id=UUID(received.id),
        organization_id=organization_id,
        event_type=event_type.value,
        body=notice_body(event_type, at=getattr(event, "at", received.time), data=data),
        journey_id=getattr(event, "returnee_id", None),
        traceparent=received.traceparent,
        offer_id=getattr(event, "offer_id", None),
        restricted=getattr(event, "restricted", False),
    )
