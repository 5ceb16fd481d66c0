"""Who must be kept apart from whom, and which of two offers for such people has to give way. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Final, NamedTuple
from uuid import UUID

from services.referral.candidates.sites import NOBODY, KeptApart, Site
from services.referral.lifecycles.rules import ReferralStatus

_FIRMNESS: Final = (ReferralStatus.IN_SERVICE, ReferralStatus.ACCEPTED, ReferralStatus.OFFERED)


class Claim(NamedTuple):
    """How firmly somebody has a place. The lower claim stands, and the other offer gives way: whoever is there stays
    there, then who is accepted, then who was asked for first. So it does not matter which of the two is judged first,
    and never do both give way."""

    firmness: int
    made_at: datetime
    offer_id: UUID


def claim_of(status: ReferralStatus, made_at: datetime, offer_id: UUID) -> Claim:
    """The claim of an offer that waits for an answer or is accepted. In every other state it is the weakest one: a step
    may be asked for from any state."""
    firmness = _FIRMNESS.index(status) if status in _FIRMNESS else len(_FIRMNESS)
    return Claim(firmness, made_at, offer_id)


class Presence(NamedTuple):
    """Where somebody is or is asked for. `claim` is None for an offer that this transaction is about to make."""

    site: Site
    claim: Claim | None


@dataclass(slots=True)
class Apart:
    """The people who must be kept apart from some people, with their places."""

    by_person: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    """By record: all records of those who must be kept apart from this person."""
    presences: dict[UUID, list[Presence]] = field(default_factory=dict)
    """By record, for all of them: the services where people meet at which they are or are asked for."""

    def of(self, people: Sequence[UUID], *, before: Claim | None = None) -> KeptApart:
        """From whom these people must be kept apart. `before`: they have this claim, and only lower ones count against
        it."""
        if self.by_person.keys().isdisjoint(people):
            return NOBODY
        sites = frozenset(
            presence.site
            for presence in self._of_others(people)
            if before is None or presence.claim is None or presence.claim < before
        )
        return KeptApart(sites, any(other in self.by_person.get(one, ()) for one, other in combinations(people, 2)))

    def add(self, people: Iterable[UUID], site: Site) -> None:
        """These people are about to be offered a place there."""
        for one in people:
            if one in self.by_person:
                self.presences.setdefault(one, []).append(Presence(site, None))

    def meeting(self) -> set[UUID]:
        """The records of people who are, or are asked for, where they must not be."""
        return {
            one
            for one, presences in self.presences.items()
            for mine in presences
            if any(other.site.is_at(mine.site) for other in self._of_others([one]))
        }

    def _of_others(self, people: Iterable[UUID]) -> Iterator[Presence]:
        for one in people:
            for other in self.by_person.get(one, ()):
                yield from self.presences.get(other, ())
