"""The order of the candidates that all rules admit. A score never admits or excludes a service."""

from datetime import datetime
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from operator import mul
from typing import Final

from services.referral.candidates.facts import Need, Pool, Service
from services.referral.pack.policy import RoutingPolicy
from services.referral.pack.routing import Place

EARTH_RADIUS_KM: Final = 6371.0
HALF_WAY_KM: Final = 50.0
"""The distance at which the part for nearness is one half."""
OPEN_OFFERS_HALF: Final = 10.0
"""The number of unanswered offers at which the part for fairness of load is one half."""


def distance_km(one: Place, other: Place) -> float:
    """The great-circle distance between the centres of two places, in kilometres."""
    latitude, other_latitude = radians(one.latitude), radians(other.latitude)
    half_chord = (
        sin((other_latitude - latitude) / 2) ** 2
        + cos(latitude) * cos(other_latitude) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half_chord))


def way_km(start: str | None, end: str, policy: RoutingPolicy) -> float | None:
    """The distance between two place codes, or None if the pack has no centre for one of them."""
    if start is None:
        return None
    one, other = _centre(start, policy), _centre(end, policy)
    if one is None or other is None:
        return None
    return _distance_between(one, other)


@lru_cache(maxsize=20_000)
def _distance_between(one: Place, other: Place) -> float:
    return distance_km(one, other)


def _centre(code: str, policy: RoutingPolicy) -> Place | None:
    """The centre of a place, or of the smallest area around it that the pack contains."""
    for length in range(len(code), 1, -1):
        place = policy.places.get(code[:length])
        if place is not None:
            return place
    return None


PARTS: Final = (
    "distance",
    "free_places",
    "capacity_freshness",
    "answer_record",
    "language",
    "same_provider",
    "fairness",
)
"""The parts of a score, each between 0 and 1. The pack gives each name a weight."""

Parts = tuple[float, ...]


class Scale:
    """Scores candidates. Values that are the same for a whole round are computed once."""

    def __init__(self, policy: RoutingPolicy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        weights = policy.weights.model_dump()
        total = sum(weights.values()) or 1.0
        self._weights = tuple(weights[name] / total for name in PARTS)
        self._fresh_for_s = policy.rounds.capacity_fresh_for
        self._fresh: dict[datetime, float] = {}
        self._nearness: dict[tuple[str | None, str], float] = {}

    def score(self, need: Need, service: Service, pool: Pool, *, start: str | None) -> tuple[float, Parts]:
        """The weighted mean of the parts, and the parts themselves in the order of `PARTS`, for the explanation."""
        parts = (
            self._near(start, service.view.place),
            pool.free / pool.maximum if pool.maximum else 0.0,
            self._freshness(pool),
            (service.offers_answered + 1) / (service.offers_made + 2),
            _language(need, service),
            1.0 if service.view.organization_id in need.providers_of_person else 0.0,
            OPEN_OFFERS_HALF / (OPEN_OFFERS_HALF + service.offers_open),
        )
        return round(sum(map(mul, self._weights, parts)), 4), parts

    def _freshness(self, pool: Pool) -> float:
        fresh = self._fresh.get(pool.as_of)
        if fresh is None:
            age_s = max(0.0, (self._now - pool.as_of).total_seconds())
            fresh = self._fresh[pool.as_of] = self._fresh_for_s / (self._fresh_for_s + age_s)
        return fresh

    def _near(self, start: str | None, end: str) -> float:
        near = self._nearness.get((start, end))
        if near is None:
            way = way_km(start, end, self._policy)
            near = self._nearness[start, end] = 0.5 if way is None else HALF_WAY_KM / (HALF_WAY_KM + way)
        return near


def _language(need: Need, service: Service) -> float:
    """1 for the person's first language, 0.5 for another common language, otherwise 0."""
    spoken = need.people[0].languages
    if spoken and spoken[0] in service.languages:
        return 1.0
    return 0.0 if service.languages.isdisjoint(spoken) else 0.5
