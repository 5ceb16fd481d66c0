"""What notifications publishes: the results of deliveries, and endpoints that it had to disable."""

from typing import ClassVar
from uuid import UUID

from libs.events.codes import Count, EventType
from libs.events.event import Event
from libs.wire.values import Moment

TOPIC = "enlace.notifications"


class DeliveryEvent(Event):
    """Base of the results of one delivery; keyed by its endpoint."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "endpoint_id"

    endpoint_id: UUID
    """The endpoint of the delivery."""
    organization_id: UUID
    """Whose endpoint it is."""
    delivery_id: UUID
    """The delivery; the same for all of its attempts."""
    event_type: EventType
    """The message that was delivered."""
    attempt_count: Count
    """How many attempts were made."""
    at: Moment
    """When it ended, by the clock of the installation."""


class DeliverySucceeded(DeliveryEvent):
    """The endpoint answered 2xx."""

    type: ClassVar[str] = "delivery.succeeded.v1"


class DeliveryFailed(DeliveryEvent):
    """All attempts have failed."""

    type: ClassVar[str] = "delivery.failed.v1"


class EndpointDisabled(Event):
    """The endpoint answered 410 or has failed for too long; nothing is sent to it until its owner enables it."""

    type: ClassVar[str] = "endpoint.disabled.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "endpoint_id"

    endpoint_id: UUID
    """The endpoint."""
    organization_id: UUID
    """Whose endpoint it is."""
    at: Moment
    """When it was disabled, by the clock of the installation."""


EVENTS: tuple[type[Event], ...] = (DeliverySucceeded, DeliveryFailed, EndpointDisabled)
