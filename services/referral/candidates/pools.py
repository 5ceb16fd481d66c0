"""Which pools of a service take the people of a need: by kind, by date, by what is free. All of them or none."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.referral.candidates.facts import Need, Person, Pool, Service, Share

_ADULTS: Final = "adult_"
_CHILDREN: Final = "child_"
"""How the kinds begin of pools that are kept for one age, such as `child_beds`."""


def in_time(service: Service, now: datetime, *, ahead: bool) -> Sequence[Pool]:
    """The service's pools that are not over, and have begun unless they may be held `ahead`: by the day at the service.

    A bed of next week is no bed tonight; a seat of a course that begins next week is one.
    """
    if all(pool.starts_on is None and pool.ends_on is None for pool in service.pools):
        return service.pools
    today = day_at(service, now)
    return [
        pool
        for pool in service.pools
        if (pool.ends_on is None or pool.ends_on >= today)
        and (ahead or pool.starts_on is None or pool.starts_on <= today)
    ]


def day_at(service: Service, now: datetime) -> date:
    """What day it is where the service is."""
    return now.astimezone(ZoneInfo(service.view.timezone)).date()


def fitting_places(need: Need, pools: Sequence[Pool]) -> tuple[Share, ...]:
    """Free places of one service for all the people of the need, or none: all of one pool, where that is possible.

    Else the adults' in one pool and the children's in another, where one of the two is kept for their age: that is how
    a shelter with `adult_beds` and `child_beds` takes a household together. The larger share comes first.
    """
    best: Pool | None = None
    for pool in pools:
        if pool.free < need.people_count or not _admits(pool.kind, need.people):
            continue
        if best is None or (pool.free, pool.pool_id) > (best.free, best.pool_id):
            best = pool
    if best is not None:
        return (Share(best, need.people_count),)
    return max(
        (pair for pair in _by_age(need, pools) if all(share.pool.free >= share.places for share in pair)),
        key=lambda pair: (sum(share.pool.free for share in pair), [share.pool.pool_id for share in pair]),
        default=(),
    )


def waited_for(need: Need, pools: Sequence[Pool]) -> dict[UUID, int]:
    """The pools that could take the need's people if places came free, with how many places it needs in each.

    A pool that is too small for them at its maximum is not waited for.
    """
    found = {
        share.pool.pool_id: share.places
        for pair in _by_age(need, pools)
        if all(share.places <= share.pool.maximum for share in pair)
        for share in pair
    }
    whole = [pool for pool in pools if need.people_count <= pool.maximum and _admits(pool.kind, need.people)]
    return {**found, **{pool.pool_id: need.people_count for pool in whole}}


def admits_among(kinds: Collection[str], people: Sequence[Person]) -> bool:
    """False if one of these people may be in none of the pools of these kinds."""
    return all(any(_admits(kind, [person]) for kind in kinds) for person in people)


def _by_age(need: Need, pools: Sequence[Pool]) -> Iterator[tuple[Share, ...]]:
    """Every two pools between which the need's adults and its children could be shared out."""
    children = [person for person in need.people if person.is_child]
    adults = [person for person in need.people if not person.is_child]
    if not children or not adults or len(need.people) != need.people_count:
        return
    for ours in pools:
        if not _admits(ours.kind, adults):
            continue
        for theirs in pools:
            kept_apart = ours.kind.startswith(_ADULTS) or theirs.kind.startswith(_CHILDREN)
            if theirs is not ours and kept_apart and _admits(theirs.kind, children):
                pair = Share(ours, len(adults)), Share(theirs, len(children))
                yield tuple(sorted(pair, key=lambda share: -share.places))


def _admits(kind: str, people: Sequence[Person]) -> bool:
    if kind.startswith(_CHILDREN):
        return all(person.is_child for person in people)
    return not (kind.startswith(_ADULTS) and any(person.is_child for person in people))
