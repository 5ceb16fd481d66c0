"""Which function of a service handles which events, and which functions run once before a batch."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.event import Event, Received

BatchFunction = Callable[[AsyncSession, Sequence[Received[Any]]], Awaitable[None]]
F = TypeVar("F", bound=BatchFunction)
Empty = TypeVar("Empty", bound=Callable[[AsyncSession], Awaitable[None]])


@dataclass(frozen=True, slots=True)
class Handler:
    """One function and its place in the order of declaration."""

    index: int
    name: str
    call: BatchFunction


@dataclass(frozen=True, slots=True)
class ReadModel:
    """Data that are built only from some event types: they can be deleted, and built again from the logs."""

    name: str
    topics: frozenset[str]
    empty: Callable[[AsyncSession], Awaitable[None]]


class Subscriptions:
    """The events that one consumer group handles.

    A handler gets the open transaction and a batch: events of one or several keys, in order per key, each for the first
    time. It never commits, and it may be called again for the same events after a rollback. Each service has one group;
    the name of the group is used in the inbox, in the positions and in Kafka.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self.handlers: list[Handler] = []
        self._by_type: dict[tuple[str, str], tuple[Handler, type[Event]]] = {}
        self._names: set[tuple[str, bytes]] = set()
        self._before: list[BatchFunction] = []
        self._read_models: list[tuple[ReadModel, frozenset[tuple[str, str]]]] = []

    def on(self, *events: type[Event]) -> Callable[[F], F]:
        """Register a batch handler for these event types. It gets them together, in order per key."""
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

    def rebuilds(self, *events: type[Event]) -> Callable[[Empty], Empty]:
        """Declare that the handlers of these types build one read model and do nothing else.

        The function empties the model in the transaction that then builds it again (`libs.events.replaying`). `events`
        must contain all types that this group handles of their topics.
        """
        if not events:
            raise ValueError("a read model is made of at least one event type")

        def register(function: Empty) -> Empty:
            types = frozenset((event.topic, event.type) for event in events)
            topics = frozenset(topic for topic, _ in types)
            self._read_models.append((ReadModel(function.__name__, topics, function), types))
            return function

        return register

    def read_model(self, topic: str) -> ReadModel | None:
        """The read model that is built from all handled events of this topic; None if there is none."""
        for model, types in self._read_models:
            handled = {found for found in self._by_type if found[0] in model.topics}
            if topic in model.topics and handled == types:
                return model
        return None

    def before_batch(self, function: F) -> F:
        """Register a function that runs once per batch before its first handler, such as one that takes locks."""
        self._before.append(function)
        return function

    @property
    def topics(self) -> frozenset[str]:
        """The topics with at least one event type that has a handler."""
        return frozenset(topic for topic, _ in self._by_type)

    @property
    def events(self) -> frozenset[type[Event]]:
        """Every event type that has a handler."""
        return frozenset(model for _, model in self._by_type.values())

    @property
    def before(self) -> Sequence[BatchFunction]:
        """The functions that run before the first handler of a batch, in the order of declaration."""
        return self._before

    def find(self, topic: str, type_: str) -> tuple[Handler, type[Event]] | None:
        """The handler and the model of an event type, or None if this group does not handle it."""
        return self._by_type.get((topic, type_))

    def handles(self, topic: str, type_: bytes) -> bool:
        """Whether this group handles an event type; `type_` is the value of the header."""
        return (topic, type_) in self._names
