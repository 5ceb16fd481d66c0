"""An event is a frozen pydantic model with its type, its topic and the name of the field that is its key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """A part without which an event can still be handled; see `libs.events.doubt`."""

    path: str
    """Its place as a JSON pointer; `*` stands for each item of a list."""
    is_urgent: bool = False
    """Whether somebody may be harmed until a member of staff has reviewed it."""
    stand_in: object = None
    """The value that replaces it. None: the part is left out, so that its default applies."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """An optional part that broke a rule and waits for a review by staff."""

    pointer: str
    """Its place in the event as a JSON pointer."""
    rule: str
    value: Any = field(repr=False)
    """The value as it was received; it may contain personal data."""
    is_urgent: bool = False


class Event(BaseModel):
    """A fact that a service publishes.

    Subclasses set `type` (ends in its major version), `topic` and `key_field`. The value of this field becomes the
    Kafka key: events with the same key keep their order. Producers' models are closed (`extra="forbid"`). Consumers
    parse openly: `libs.events.messages.opening` ignores fields that a newer producer added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    optional_parts: ClassVar[tuple[OptionalPart, ...]] = ()
    """The parts of an event from outside that may break a rule: the event is then handled without them."""
    planned: ClassVar[bool] = False
    """Whether no service publishes it yet, although consumers may already handle it. The documents mention this."""
    type: ClassVar[str]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    @property
    def key(self) -> str:
        """The value of the key field as text; events with the same key keep their order."""
        return str(getattr(self, self.key_field))


E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """One event as a handler gets it: parsed, with the CloudEvents attributes that it needs, without objects of
    Kafka."""

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
    """W3C trace context of the event's creation. If that trace is sampled, it is the context of the span in which this
    service handles the event, which is a child of the creation."""
    tracestate: str | None = None
    """The W3C trace state that belongs to that context."""
    set_aside: tuple[SetAside, ...] = ()
    """Optional parts that broke a rule; `event` is without them."""


Batch = Sequence[Received[Event]]
"""Events of one partition, in order per key, each delivered for the first time."""
