"""Which people must be kept apart. Registration publishes it on a topic of its own, which only referral may read.

The ids of the two are in their order, so an event does not say which of them excludes the other.
"""

from typing import ClassVar
from uuid import UUID

from libs.events.event import Event


class PairEvent(Event):
    """Base of events about two people: the key is the id of the exclusion."""

    topic: ClassVar[str] = "enlace.kept-apart"
    key_field: ClassVar[str] = "exclusion_id"

    exclusion_id: UUID
    """The exclusion that a person told. Two people may exclude each other; then there are two exclusions."""
    first_returnee_id: UUID
    """One of the two records, that with the lower id."""
    second_returnee_id: UUID
    """The other record."""


class PeopleKeptApart(PairEvent):
    """Two people must be kept apart: they are never offered places at which they would meet."""

    type: ClassVar[str] = "people.kept-apart.v1"


class PeopleKeptApartEnded(PairEvent):
    """An exclusion has ended. Another exclusion may still keep the two people apart."""

    type: ClassVar[str] = "people.kept-apart-ended.v1"


EVENTS: tuple[type[Event], ...] = (PeopleKeptApart, PeopleKeptApartEnded)
