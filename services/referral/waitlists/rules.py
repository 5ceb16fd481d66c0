"""The expected wait in a queue. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RATE_OVER: Final = timedelta(days=7)
"""The period in which freed places are counted."""
FREED_MIN: Final = 3
"""If places became free fewer times than this, there is no rate and the wait is unknown."""


@dataclass(frozen=True, slots=True)
class Freed:
    """Places of one pool that became free recently."""

    places: int
    times: int
    since: datetime
    """When the first of them became free."""


def expected_wait(places: int, freed: Freed | None, *, at: datetime) -> timedelta | None:
    """How long it takes until this number of places becomes free, at the recent rate. None if the rate is unknown.

    `places`: the places of all referrals ahead in the pool's queue, and those of the referral itself. The first freed
    places are not part of the rate, because the measured period begins with them.
    """
    if freed is None or freed.times < FREED_MIN or at <= freed.since:
        return None
    after_first = freed.places * (freed.times - 1) / freed.times
    return (at - freed.since) * (places / after_first)
