"""Who sends and who hears what; the services say it themselves, and a tool outside of this library asks them."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.events.event import Event

PLANNED = "Planned: no service sends this yet."
"""What the documents say of an event type that is declared and has no publisher."""


@dataclass(frozen=True, slots=True)
class Party:
    """A service, or systems outside, as others see it on the bus."""

    name: str
    sends: frozenset[type[Event]]
    hears: frozenset[type[Event]] = frozenset()
    group: str | None = None
    """Its consumer group, if it hears anything."""


def senders_of(parties: Sequence[Party], event: type[Event]) -> list[str]:
    """Names of who sends this event."""
    return [party.name for party in parties if event in party.sends]


def hearers_of(parties: Sequence[Party], event: type[Event]) -> list[str]:
    """Names of who hears this event."""
    return [party.name for party in parties if event in party.hears]
