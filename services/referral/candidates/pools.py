"""Which pools of a service have places for all people of a need, by kind, date and free places."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.referral.candidates.facts import Need, Person, Pool, Service, Share

_ADULTS: Final = "adult_"
_CHILDREN: Final = "child_"
"""A kind of pool that begins with one of these is only for adults or only for children, such as `child_beds`. A
person of unsure age may be in neither."""


def in_time(service: Service, now: datetime, *, ahead: bool) -> Sequence[Pool]:
    """The pools of the service that have not ended, by the date at the service.

    A pool that has not begun is included only if its places may be held `ahead`.

    For example, a bed for next week cannot be used tonight, but a seat in a course that begins next week can be held
    now.
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
    """The date at the location of the service."""
    return now.astimezone(ZoneInfo(service.view.timezone)).date()


def fitting_places(need: Need, pools: Sequence[Pool]) -> tuple[Share, ...]:
    """Free places of one service for all people of the need, in one pool if possible. Empty if there are not enough.

    Otherwise the adults get places in one pool and the children in another, if one of the two pools is only for their
    age. So a shelter with `adult_beds` and `child_beds` can take a household together. The larger share comes first.
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
    """The pools that could take the people of the need if places became free, with the places needed in each.

    A pool whose maximum is too small for them is not included.
    """
    found = {
        share.pool.pool_id: share.places
        for pair in _by_age(need, pools)
        if all(share.places <= share.pool.maximum for share in pair)
        for share in pair
    }
    whole = [pool for pool in pools if need.people_count <= pool.maximum and _admits(pool.kind, need.people)]
    return {**found, **{pool.pool_id: need.people_count for pool in whole}}


def divided(shares: Sequence[Share], needs: Sequence[Need]) -> list[tuple[Share, ...]]:
    """The places of several needs that were chosen together, need by need. In two pools, the children of all needs are
    in one of them and the adults in the other."""
    if len(shares) == 1:
        return [(Share(shares[0].pool, need.people_count),) for need in needs]
    of_children = min(
        (share.pool for share in shares),
        key=lambda pool: (not pool.kind.startswith(_CHILDREN), pool.kind.startswith(_ADULTS)),
    )
    (of_adults,) = (share.pool for share in shares if share.pool is not of_children)
    found = []
    for need in needs:
        children = sum(not person.may_be_adult for person in need.people)
        both = Share(of_adults, need.people_count - children), Share(of_children, children)
        found.append(tuple(sorted((share for share in both if share.places), key=lambda share: -share.places)))
    return found


def admits_among(kinds: Collection[str], people: Sequence[Person]) -> bool:
    """True if each of these people may be in a pool of one of these kinds."""
    return all(any(_admits(kind, [person]) for kind in kinds) for person in people)


def _by_age(need: Need, pools: Sequence[Pool]) -> Iterator[tuple[Share, ...]]:
    """All pairs of pools of which one could take the need's adults and the other its children."""
    children = [person for person in need.people if not person.may_be_adult]
    adults = [person for person in need.people if not person.may_be_child]
    if not children or not adults or len(children) + len(adults) != need.people_count:
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
        return not any(person.may_be_adult for person in people)
    return not (kind.startswith(_ADULTS) and any(person.may_be_child for person in people))
