"""Which services a need can reach at all: those of its category that give its kind and take people from its area. Pure.

A round asks for the services with one of these tokens instead of all services, so that its cost does not depend on the
size of the directory (decision 0086). `providers.rules.reach_of` makes the tokens of a service.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from libs.taxonomy.model import Taxonomy
from services.referral.candidates.facts import Need
from services.referral.candidates.rules import origin
from services.referral.candidates.score import way_km
from services.referral.pack.policy import RoutingPolicy


class Reach(NamedTuple):
    """The services that a need can reach, and what else the network has."""

    service_ids: Collection[UUID]
    of_category: int
    """How many services of the category there are. Counting stops at a thousand."""
    gives_elsewhere: bool
    """True if services give the kind, but none of them within reach."""


def kind_tokens(need: Need, taxonomy: Taxonomy) -> list[str]:
    """The tokens of services that give the kind, wherever they are."""
    return [f"{need.category}/{kind}" for kind in sorted(_kinds(need.kind, need.category, taxonomy))]


def tokens_of(need: Need, policy: RoutingPolicy, places: Iterable[str]) -> set[str]:
    """The tokens of services within reach: no other area is their catchment, and they are not too far away.

    `places`: the places of all services. They are used only if the pack limits the distance for the need.
    """
    start = origin(need, policy)
    areas = ["", *(start[:length] for length in range(1, len(start) + 1))] if start is not None else [""]
    found = {f"{kind}/{area}" for kind in kind_tokens(need, policy.taxonomy) for area in areas}
    limit = policy.rules_of(need.category, need.kind).distance_limit_km
    if limit is None:
        return found
    ways = {place: way_km(start, place, policy) for place in places}
    near = [place for place, way in ways.items() if way is None or way <= limit]
    return {f"{token}@{place}" for token in found for place in near}


def _kinds(kind: str | None, category: str, taxonomy: Taxonomy) -> set[str]:
    """The kinds, as services name them, with which a service may take a need of this kind. The empty kind stands for
    services that do not name theirs."""
    if kind is None:
        return {"", *(one for one in taxonomy.kinds_of.get(category, ()) if taxonomy.kinds[one].triage)}
    wanted = taxonomy.current(kind)
    stand_in = (
        code
        for code, one in taxonomy.kinds.items()
        if taxonomy.current(code) == wanted or wanted in map(taxonomy.current, one.instead_of)
    )
    return {kind, wanted, *stand_in}
