"""What an event is: a frozen pydantic model that knows its type, its topic and the field that is its key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """A part without which an event can still be handled; see `libs.events.doubt`."""

    path: str
    """Where it stands, as a JSON pointer; `*` is each item of a list."""
    is_urgent: bool = False
    """Whether somebody may come to harm while nobody has looked at it."""
    stand_in: object = None
    """What takes its place; None: it is left out, so that its default holds."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """An optional part that broke a rule: it waits for a person."""

    pointer: str
    """Where it stood, as a JSON pointer."""
    rule: str
    value: Any = field(repr=False)
    """As it came; it may be personal."""
    is_urgent: bool = False


class Event(BaseModel):
    """A fact that a service publishes.

    Subclasses set `type` (ends in its major version), `topic` and `key_field`, the field whose value orders the
    event among its kin: it becomes the Kafka key. Producers' models are closed (`extra="forbid"`); what consumers
    read is open: `libs.events.messages.envelope` drops fields that a newer producer added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    optional_parts: ClassVar[tuple[OptionalPart, ...]] = ()
    """Without which of its parts an event from outside is handled all the same, when they break a rule."""
    planned: ClassVar[bool] = False
    """Whether no service publishes it yet, although consumers may be ready for it; the documents say so."""
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
    set_aside: tuple[SetAside, ...] = ()
    """Optional parts that broke a rule; `event` is without them."""


Batch = Sequence[Received[Event]]
"""Events of one partition, in order per key, each delivered for the first time."""
