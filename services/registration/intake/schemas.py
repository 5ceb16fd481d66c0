"""The input and the result of a registration."""

from dataclasses import dataclass
from uuid import UUID

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.event import SetAside
from services.registration.audit.rules import Actor


@dataclass(frozen=True, slots=True)
class Arrival:
    """The arrival of one person, with the batch resolved; the same for REST and events."""

    body: ReturneeArrived
    actor: Actor
    source: str
    """The sender: `client:<id>`, `person:<subject>`, or the CloudEvents source."""
    organization_id: UUID | None
    arrival_batch_id: UUID | None
    reception_place: str | None
    manifest_key: bytes | None
    context: str | None
    """The trace context of the request or event; the person's own trace is linked to it."""
    set_aside: tuple[SetAside, ...] | None = None
    """Optional parts that were invalid; None for REST, where nothing is set aside."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The result of one arrival."""

    returnee_id: UUID
    is_new: bool
    """False for a repetition: the person was already registered."""
    arrival_batch_id: UUID | None
    reception_place: str | None
    """Where the person was received, as far as that was known."""
    manifest_key: bytes | None
