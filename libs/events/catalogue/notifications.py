"""What notifications publishes: what became of a delivery, and endpoints it had to switch off."""

from typing import ClassVar
from uuid import UUID

from libs.events.codes import Count, EventType
from libs.events.event import Event
from libs.wire.values import Moment

TOPIC = "enlace.notifications"


class DeliveryEvent(Event):
    """Base of what became of one delivery; keyed by its endpoint."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "endpoint_id"

    endpoint_id: UUID
    """Where it went."""
    organization_id: UUID
    """Whose endpoint it is."""
    delivery_id: UUID
    """The delivery; the same for all of its attempts."""
    event_type: EventType
    """What was told."""
    attempt_count: Count
    """How many attempts were made."""
    at: Moment
    """When it ended, on the installation's clock."""


class DeliverySucceeded(DeliveryEvent):
    """The endpoint answered 2xx."""

    type: ClassVar[str] = "delivery.succeeded.v1"


class DeliveryFailed(DeliveryEvent):
    """All attempts are spent."""

    type: ClassVar[str] = "delivery.failed.v1"


class EndpointDisabled(Event):
    """The endpoint is gone or has failed for too long; nothing more is sent to it until its owner enables it."""

    type: ClassVar[str] = "endpoint.disabled.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "endpoint_id"

    endpoint_id: UUID
    """The endpoint."""
    organization_id: UUID
    """Whose endpoint it is."""
    at: Moment
    """When it was switched off, on the installation's clock."""


EVENTS: tuple[type[Event], ...] = (DeliverySucceeded, DeliveryFailed, EndpointDisabled)
