"""Which function of a service handles which events, and what runs once before a batch."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.event import Event, Received

BatchFunction = Callable[[AsyncSession, Sequence[Received[Any]]], Awaitable[None]]
F = TypeVar("F", bound=BatchFunction)


@dataclass(frozen=True, slots=True)
class Handler:
    """One function and its place in the order of declaration."""

    index: int
    name: str
    call: BatchFunction


class Subscriptions:
    """What one consumer group listens to.

    A handler gets the open transaction and a batch: events in order per key, each for the first time, perhaps several
    of one key, of several keys at once. It never commits, and it may be called again for the same events after a
    rollback. One group is one service: its name goes into inbox, positions and Kafka.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self.handlers: list[Handler] = []
        self._by_type: dict[tuple[str, str], tuple[Handler, type[Event]]] = {}
        self._names: set[tuple[str, bytes]] = set()
        self._before: list[BatchFunction] = []

    def on(self, *events: type[Event]) -> Callable[[F], F]:
        """Register a batch handler for these event types; it then gets all of them mixed, in order per key."""
        if not events:
            raise ValueError("a handler names at least one event type")

        def register(function: F) -> F:
            handler = Handler(len(self.handlers), function.__name__, function)
            for event in events:
                if (event.topic, event.type) in self._by_type:
                    raise ValueError(f"{event.type} of {event.topic} has a handler already")
                self._by_type[event.topic, event.type] = (handler, event)
                self._names.add((event.topic, event.type.encode()))
            self.handlers.append(handler)
            return function

        return register

    def before_batch(self, function: F) -> F:
        """Register a function that runs once per batch before its first handler, such as one that takes locks."""
        self._before.append(function)
        return function

    @property
    def topics(self) -> frozenset[str]:
        """The topics in which at least one handled event type lives."""
        return frozenset(topic for topic, _ in self._by_type)

    @property
    def before(self) -> Sequence[BatchFunction]:
        """What runs before the first handler of a batch, in the order of declaration."""
        return self._before

    def find(self, topic: str, type_: str) -> tuple[Handler, type[Event]] | None:
        """The handler and the model of an event type, or None if this group doesn't listen to it."""
        return self._by_type.get((topic, type_))

    def handles(self, topic: str, type_: bytes) -> bool:
        """Whether this group listens to an event type, named as a header names it."""
        return (topic, type_) in self._names
