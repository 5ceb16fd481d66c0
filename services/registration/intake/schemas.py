"""The body of a registration, and an arrival on its way through it."""

from dataclasses import dataclass
from uuid import UUID

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.event import SetAside
from services.registration.audit.rules import Actor


@dataclass(frozen=True, slots=True)
class Arrival:
    """One person who has come, with the batch resolved; the same from REST and from an event."""

    body: ReturneeArrived
    actor: Actor
    source: str
    """Who sends it: `client:<id>`, or the CloudEvents source."""
    organization_id: UUID | None
    arrival_batch_id: UUID | None
    reception_place: str | None
    manifest_key: bytes | None
    context: str | None
    """The trace context in which it came; the person's own trace is linked to it."""
    set_aside: tuple[SetAside, ...] | None = None
    """Optional parts that could not be read; None where the sender is answered and nothing may be set aside."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What became of one arrival."""

    returnee_id: UUID
    is_new: bool
    """False for a repeat: the person had been registered."""
    arrival_batch_id: UUID | None
    reception_place: str | None
    """Where the person was received, as far as that was known."""
    manifest_key: bytes | None
