"""Overbooked: a hold that brought the places in use above the maximum that the ledger knew then (pure).

Between two openings of a pool (a release, a declaration: both count up `freed_count`, under the pool's lock) its
places in use only grow and its maximum stands. So it is enough to add up, for each hold, all places of the pool that
were held by the end of the hold's own opening and not free again then. The maximum is not the ledger's word: it is
looked up in provider_directory's record by the moment that the declaration names.
"""

from collections import defaultdict

from tests.chaos.evidence import Evidence, Hold


def overbooked(evidence: Evidence) -> list[str]:
    """Every opening of a pool in which holds went above the maximum that was known, a line each."""
    service_of = {pool.pool_id: pool.service_id for pool in evidence.pools}
    maxima: dict[tuple[str, str, str], int] = {}
    for one in evidence.declarations:
        for pool_id, maximum in one.maxima.items():
            name = (one.service_id, pool_id, one.as_of)
            maxima[name] = max(maximum, maxima.get(name, 0))
    by_pool: dict[str, list[Hold]] = defaultdict(list)
    for hold in evidence.holds:
        by_pool[hold.pool_id].append(hold)
    found = []
    for pool_id, holds in by_pool.items():
        in_use = _in_use(holds)
        over: dict[int, str] = {}
        for hold in holds:
            known = maxima.get((service_of.get(pool_id, ""), pool_id, str(hold.declared_as_of)))
            if known is None or hold.held_freed_count is None:
                found.append(f"offer {hold.offer_id} holds places of {pool_id} under no known declaration")
            elif in_use[hold.held_freed_count] > known:
                # Which of the holds of one count came last is not known: they are one finding.
                over[hold.held_freed_count] = (
                    f"{in_use[hold.held_freed_count]} of {known} places of {pool_id} are in use"
                )
        found += over.values()
    return found


def _in_use(holds: list[Hold]) -> dict[int, int]:
    """By opening of one pool: the places in use at its end."""
    changes: dict[int, int] = defaultdict(int)
    for hold in holds:
        if hold.held_freed_count is not None:
            changes[hold.held_freed_count] += hold.places
            if hold.released_freed_count is not None:
                changes[hold.released_freed_count] -= hold.places
    total, in_use = 0, {}
    for opening in sorted(changes):
        total += changes[opening]
        in_use[opening] = total
    return in_use
