"""What a queue promises: who is ahead, and how long the wait may be. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RATE_OVER: Final = timedelta(days=7)
"""How far back places that came free are counted."""
FREED_MIN: Final = 3
"""Fewer times than this is no rate: the wait is unknown."""


@dataclass(frozen=True, slots=True)
class Freed:
    """Places of one pool that services gave back lately."""

    places: int
    times: int
    since: datetime
    """When the first of them came free."""


def expected_wait(places: int, freed: Freed | None, *, at: datetime) -> timedelta | None:
    """How long until so many places will have come free, at the rate at which they did lately; None if unknown.

    `places` are those of everybody ahead in the pool's queue and one's own. What the first time freed is left out of
    the rate: the count begins with it.
    """
    if freed is None or freed.times < FREED_MIN or at <= freed.since:
        return None
    after_first = freed.places * (freed.times - 1) / freed.times
    return (at - freed.since) * (places / after_first)
