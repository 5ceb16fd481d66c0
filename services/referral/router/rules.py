"""What a round does with a referral after the decision about its candidates. Pure."""

import zlib
from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.events.codes import NeedCategory, Urgency
from services.referral.candidates.choice import Decision, Verdict
from services.referral.candidates.facts import Pool
from services.referral.candidates.reasons import Exclusion
from services.referral.pack.routing import Pacing

LOOK_AGAIN_AFTER: Final = timedelta(minutes=10)
"""The time on the installation's clock after which a referral that waits for a closed service is looked at again."""


class Way(StrEnum):
    """What a round does with a referral."""

    OFFER = "offer"
    WAITLIST = "waitlist"
    LOOK_AGAIN = "look_again"
    """A service could take it but is closed now. The routing clock continues."""
    AFTER_DOCUMENTS = "after_documents"
    """A service could take it when the person has a document."""
    NOBODY = "nobody"


def way_of(decision: Decision) -> Way:
    """What to do with a referral after this decision. The best possible way is chosen."""
    if decision.verdict is Verdict.OFFER:
        return Way.OFFER
    if decision.verdict is Verdict.WAITLIST:
        return Way.WAITLIST
    only = [set(codes) for codes in decision.excluded.values()]
    if any(Exclusion.CLOSED in codes and codes <= {Exclusion.CLOSED, Exclusion.NO_FREE_PLACE} for codes in only):
        return Way.LOOK_AGAIN
    waits = {Exclusion.DOCUMENT_NEEDED_FIRST, Exclusion.CLOSED, Exclusion.NO_FREE_PLACE}
    if any(Exclusion.DOCUMENT_NEEDED_FIRST in codes and codes <= waits for codes in only):
        return Way.AFTER_DOCUMENTS
    return Way.NOBODY


class Pace:
    """How many offers each service has had recently, and when it may get the next one (decision 0026).

    In any period of `per_seconds` a service gets at most `offers_per_service` non-urgent offers. Needs that must wait
    get consecutive times in the order in which they ask, so that most of them are looked at only once more.
    """

    def __init__(self, pacing: Pacing | None, at: datetime, recent: Mapping[UUID, Sequence[datetime]]) -> None:
        self._pacing = pacing
        self._at = at
        self._recent = {key: list(moments) for key, moments in recent.items()}

    def later(self, provider_service_id: UUID, urgency: Urgency) -> datetime | None:
        """None if the service may be asked now, otherwise the time from which it may be asked.

        An offer is counted now or at that time. Urgent needs never wait.
        """
        if self._pacing is None:
            return None
        recent = self._recent.setdefault(provider_service_id, [])
        full = len(recent) >= self._pacing.offers_per_service
        free_at = recent[0] + timedelta(seconds=self._pacing.per_seconds) if full else self._at
        if urgency is not Urgency.NORMAL or free_at <= self._at:
            free_at = self._at
        if full:
            del recent[0]
        # The list stays sorted by time, also if an urgent offer is inserted before offers that wait.
        insort(recent, free_at)
        return None if free_at <= self._at else free_at


def lock_number(country: str) -> int:
    """The number of a country's router in its advisory locks."""
    return zlib.crc32(f"router:{country}".encode()) & 0x7FFFFFFF


def spread(left: Collection[NeedCategory], of_people: Iterable[Collection[NeedCategory]]) -> set[NeedCategory]:
    """The categories that are left to a round: these, and all that a person connects with them, directly or through
    other people. `of_people`: for each person, the categories of the needs."""
    found = set(left)
    groups = [set(one) for one in of_people]
    while more := set[NeedCategory]().union(*(one for one in groups if not found.isdisjoint(one))) - found:
        found |= more
    return found


def with_changed_supply(supply: Mapping[str, int], swept: Mapping[str, int]) -> dict[str, int]:
    """The categories in which the supply has changed since their queues were last checked, with their counts."""
    return {category: count for category, count in supply.items() if swept.get(category) != count}


Rank = tuple[int, datetime, UUID]
"""A position in the queue: urgency class, start of the wait, referral."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A referral in the queue that is not in this round, or for which a pool is kept."""

    referral_id: UUID
    urgency_rank: int
    waiting_since: datetime
    pool_ids: tuple[UUID, ...]
    pool_places: tuple[int, ...]
    kept_pool_id: UUID | None = None
    over: bool = False
    """True if a pool was kept for it for as long as the pack allows."""

    @property
    def rank(self) -> Rank:
        """Its position in the queue."""
        return self.urgency_rank, self.waiting_since, self.referral_id


class Line:
    """The order of the queue within one round: free places are set aside for referrals that are ahead.

    For a household at the head of the queue that does not fit into any pool, the pool with the most free places is kept
    until it has enough. Otherwise smaller needs would take each place as soon as it is free.
    """

    def __init__(
        self, pools: Mapping[UUID, Pool], waiting: Collection[Waiting], *, looked_at: Collection[UUID]
    ) -> None:
        self._pools = pools
        self._keeping = {one.referral_id: one for one in waiting if one.kept_pool_id is not None}
        self._kept = {one.kept_pool_id for one in self._keeping.values() if not one.over}
        self._ahead = deque(sorted(_unseen(waiting, looked_at), key=lambda one: one.rank))
        self.keeps: list[tuple[UUID, UUID]] = []
        """Referrals for which this round begins to keep a pool, each with that pool."""

    def come_to(self, rank: Rank) -> None:
        """Set places aside for all referrals that are ahead of this position in the queue."""
        while self._ahead and self._ahead[0].rank < rank:
            one = self._ahead.popleft()
            places = dict(zip(one.pool_ids, one.pool_places, strict=True))
            if one.kept_pool_id is not None:
                self._set_aside(one.kept_pool_id, places.get(one.kept_pool_id, 0))
            else:
                self._set_aside_where_it_fits(places)

    def keep(self, referral_id: UUID, places: Mapping[UUID, int]) -> None:
        """The referral is next and does not fit into any pool: keep a pool for it, or continue to keep its pool."""
        standing = self._keeping.get(referral_id)
        if standing is not None and standing.kept_pool_id is not None:
            if not standing.over:
                self._set_aside(standing.kept_pool_id, places.get(standing.kept_pool_id, 0))
            return
        usable = [self._pools[one] for one in places if one in self._pools and one not in self._kept]
        best = max((pool for pool in usable if pool.free > 0), key=lambda pool: (pool.free, pool.pool_id), default=None)
        if best is not None:
            self._kept.add(best.pool_id)
            self.keeps.append((referral_id, best.pool_id))
            self._set_aside(best.pool_id, places[best.pool_id])

    def _set_aside_where_it_fits(self, places: Mapping[UUID, int]) -> None:
        fitting = [one for one, count in places.items() if one in self._pools and self._pools[one].free >= count]
        if fitting:
            most = max(fitting, key=lambda one: (self._pools[one].free, one))
            self._set_aside(most, places[most])

    def _set_aside(self, pool_id: UUID, places: int) -> None:
        pool = self._pools.get(pool_id)
        if pool is not None:
            pool.free -= min(pool.free, places)


def _unseen(waiting: Iterable[Waiting], looked_at: Collection[UUID]) -> Iterable[Waiting]:
    """Referrals that this round does not look at, without those whose time to keep a pool is over."""
    return (one for one in waiting if one.referral_id not in looked_at and not one.over)
