"""What an event is: a frozen pydantic model that knows its type, its topic and the field that is its key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """A fact that a service publishes.

    Subclasses set `type` (ends in its major version), `topic` and `key_field`, the field whose value orders the
    event among its kin: it becomes the Kafka key. Producers' models are closed (`extra="forbid"`); what consumers
    read is open: `libs.events.envelope` drops fields that a newer producer added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    @property
    def key(self) -> str:
        """The id whose order matters, as text."""
        return str(getattr(self, self.key_field))


E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """One event as a handler sees it: parsed, with the CloudEvents attributes that matter, and no Kafka object."""

    event: E
    id: str
    """CloudEvents `id`; unique together with `source`."""
    source: str
    """CloudEvents `source`: who published it."""
    time: datetime
    """When the fact happened at its producer."""
    key: str
    """The Kafka key: events of one key arrive in the order in which they were published."""
    traceparent: str | None = None
    """W3C trace context of the event's creation; where that is sampled, of this hop's own span below it."""
    tracestate: str | None = None
    """What tracing systems added to that context."""


Batch = Sequence[Received[Event]]
"""Events of one partition, in order per key, each delivered for the first time."""
