"""Which party sends and receives which events. The services declare it themselves; a tool outside of this library
collects the declarations."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.events.event import Event

PLANNED = "Planned: no service sends this yet."
"""The text of the documents for an event type that is declared but has no publisher."""


@dataclass(frozen=True, slots=True)
class Party:
    """A service, or a group of external systems, as seen from outside."""

    name: str
    sends: frozenset[type[Event]]
    hears: frozenset[type[Event]] = frozenset()
    group: str | None = None
    """Its consumer group, if it receives events."""


def senders_of(parties: Sequence[Party], event: type[Event]) -> list[str]:
    """The names of the parties that send this event."""
    return [party.name for party in parties if event in party.sends]


def hearers_of(parties: Sequence[Party], event: type[Event]) -> list[str]:
    """The names of the parties that receive this event."""
    return [party.name for party in parties if event in party.hears]
