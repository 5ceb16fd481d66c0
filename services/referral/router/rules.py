"""What a round makes of the candidates' decision for one referral. Pure."""

from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.events.codes import Urgency
from services.referral.candidates.choice import Decision, Verdict
from services.referral.candidates.facts import Pool
from services.referral.candidates.rules import Exclusion
from services.referral.pack.policy import Pacing

LOOK_AGAIN_AFTER: Final = timedelta(minutes=10)
"""When a referral is looked at again that only waits for somebody to open, on the installation's clock."""


class Way(StrEnum):
    """What a round does with a referral."""

    OFFER = "offer"
    WAITLIST = "waitlist"
    LOOK_AGAIN = "look_again"
    """Somebody could take it but is closed now; the clock of its routing runs on."""
    AFTER_DOCUMENTS = "after_documents"
    """Somebody could take it once the person has a document."""
    NOBODY = "nobody"


def way_of(decision: Decision) -> Way:
    """What follows from who may take the need, from the best that can be hoped for downwards."""
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
    """How many offers each service has had lately, and from when on it may have another (decision 0026).

    Any span of `per_seconds` sees `offers_per_service` ordinary offers to a service at the most. Needs that must wait
    are given moments one after another, in the order in which they ask, so that each is looked at about once more.
    """

    def __init__(self, pacing: Pacing | None, at: datetime, recent: Mapping[UUID, Sequence[datetime]]) -> None:
        self._pacing = pacing
        self._at = at
        self._recent = {key: list(moments) for key, moments in recent.items()}

    def later(self, provider_service_id: UUID, urgency: Urgency) -> datetime | None:
        """None if the service may be asked now, which counts; else from when on. Urgent needs never wait."""
        if self._pacing is None:
            return None
        recent = self._recent.setdefault(provider_service_id, [])
        full = len(recent) >= self._pacing.offers_per_service
        free_at = recent[0] + timedelta(seconds=self._pacing.per_seconds) if full else self._at
        if urgency is not Urgency.NORMAL or free_at <= self._at:
            free_at = self._at
        if full:
            del recent[0]
        # In order of time, also where an urgent one comes between others that wait.
        insort(recent, free_at)
        return None if free_at <= self._at else free_at


def newly_opened(openings: Mapping[str, int], swept: Mapping[str, int]) -> dict[str, int]:
    """The categories in which something has opened since their queues were last looked through, with their counts."""
    return {category: count for category, count in openings.items() if swept.get(category) != count}


Rank = tuple[int, datetime, UUID]
"""A place in the queue: urgency class, since when the need waits, referral."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that stands in the queue: this round may not look at it, or a pool is kept for it."""

    referral_id: UUID
    urgency_rank: int
    waiting_since: datetime
    pool_ids: tuple[UUID, ...]
    pool_places: tuple[int, ...]
    kept_pool_id: UUID | None = None
    over: bool = False
    """True once it has kept a pool for as long as the pack lets it."""

    @property
    def rank(self) -> Rank:
        """Its place in the queue."""
        return self.urgency_rank, self.waiting_since, self.referral_id


class Line:
    """Who comes first, within one round: sets free places aside for those ahead in the queue.

    A household at the head that fits nowhere yet keeps the pool that has most free for it, until there are enough.
    Without that, whoever needs one place would take each as it comes free, for ever.
    """

    def __init__(
        self, pools: Mapping[UUID, Pool], waiting: Collection[Waiting], *, looked_at: Collection[UUID]
    ) -> None:
        self._pools = pools
        self._keeping = {one.referral_id: one for one in waiting if one.kept_pool_id is not None}
        self._kept = {one.kept_pool_id for one in self._keeping.values() if not one.over}
        self._ahead = deque(sorted(_unseen(waiting, looked_at), key=lambda one: one.rank))
        self.keeps: list[tuple[UUID, UUID]] = []
        """Referral and pool of those for which this round begins to keep one."""

    def come_to(self, rank: Rank) -> None:
        """All who stand before this place in the queue are given theirs first."""
        while self._ahead and self._ahead[0].rank < rank:
            one = self._ahead.popleft()
            places = dict(zip(one.pool_ids, one.pool_places, strict=True))
            if one.kept_pool_id is not None:
                self._set_aside(one.kept_pool_id, places.get(one.kept_pool_id, 0))
            else:
                self._set_aside_where_it_fits(places)

    def keep(self, referral_id: UUID, places: Mapping[UUID, int]) -> None:
        """The referral, at its turn, fits nowhere: keep a pool for it, or go on keeping the one that it has."""
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
    """Those whose turn does not come in this round by itself; one whose time to keep a pool is over is passed over."""
    return (one for one in waiting if one.referral_id not in looked_at and not one.over)
