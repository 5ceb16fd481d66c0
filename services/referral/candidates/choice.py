"""The choice for one need: who may take it, in which order, and why not the others."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from libs.events.codes import NeedCategory, Urgency
from services.referral.candidates.facts import Need, Pool, Service
from services.referral.candidates.interlocks import Interlock, interlocks
from services.referral.candidates.rules import Exclusion, exclusions, fitting_pool, is_closed, origin, standing
from services.referral.candidates.score import score
from services.referral.pack import RoutingPolicy


class Verdict(StrEnum):
    """What the choice means for the referral."""

    OFFER = "offer"
    WAITLIST = "waitlist"
    """Somebody could take it but for a free place."""
    NOBODY = "nobody"
    """No service of the network may take it: a named owner must."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that may take the need, with the pool that would hold its places."""

    service: Service
    pool: Pool
    score: float
    parts: dict[str, float]


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one choice."""

    verdict: Verdict
    ranked: list[Candidate]
    excluded: dict[UUID, list[Interlock | Exclusion]] = field(default_factory=dict)
    """Services of the need's category that were left out, with every reason."""

    @property
    def chosen(self) -> Candidate | None:
        """The best candidate, or None."""
        return self.ranked[0] if self.ranked else None

    @property
    def full_services(self) -> list[UUID]:
        """Services that only a missing place keeps away: where a waitlist entry makes sense."""
        return [service_id for service_id, codes in self.excluded.items() if codes == [Exclusion.NO_FREE_PLACE]]

    def explanation(self, policy: RoutingPolicy) -> dict[str, object]:
        """Why this one and why not the others, as stored with the offer (DESIGN 5, domain P29). No person in it."""
        return {
            "policy": policy.version,
            "ranked": [
                {
                    "provider_service_id": str(one.service.view.provider_service_id),
                    "score": one.score,
                    "parts": one.parts,
                }
                for one in self.ranked
            ],
            "excluded": [
                {"provider_service_id": str(service_id), "reasons": [code.value for code in codes]}
                for service_id, codes in self.excluded.items()
            ],
        }


class Market:
    """The services of one round, with what is the same for every need worked out once.

    Pools are shared by the needs of a round: `hold` lowers what is free, so that later needs see it.
    """

    def __init__(self, services: Iterable[Service], policy: RoutingPolicy, now: datetime) -> None:
        self.policy = policy
        self.now = now
        self._by_category: dict[NeedCategory, list[Service]] = {}
        self._standing: dict[UUID, list[Exclusion]] = {}
        self._closed: dict[tuple[UUID, Urgency], bool] = {}
        for service in services:
            self._by_category.setdefault(service.view.category, []).append(service)
            self._standing[service.view.provider_service_id] = standing(service, now)

    def choose(self, need: Need) -> Decision:
        """Who may take this need, best first. Equal inputs give equal decisions."""
        ranked: list[Candidate] = []
        excluded: dict[UUID, list[Interlock | Exclusion]] = {}
        start = origin(need, self.policy)
        for service in self._by_category.get(need.category, ()):
            codes = self._codes(need, service)
            pool = fitting_pool(need, service)
            if pool is None:
                codes.append(Exclusion.NO_FREE_PLACE)
            if codes or pool is None:
                excluded[service.view.provider_service_id] = codes
                continue
            value, parts = score(need, service, pool, start=start, policy=self.policy, now=self.now)
            ranked.append(Candidate(service, pool, value, parts))
        ranked.sort(key=lambda one: (-one.score, one.service.view.provider_service_id))
        return Decision(_verdict(ranked, excluded), ranked, excluded)

    @staticmethod
    def hold(candidate: Candidate, need: Need) -> None:
        """Take the need's places out of what is free for the rest of the round."""
        candidate.pool.free -= need.people_count

    def _codes(self, need: Need, service: Service) -> list[Interlock | Exclusion]:
        codes: list[Interlock | Exclusion] = [*interlocks(need, service, self.policy)]
        codes.extend(self._standing[service.view.provider_service_id])
        if self._is_closed(service, need):
            codes.append(Exclusion.CLOSED)
        codes.extend(exclusions(need, service, self.policy))
        return codes

    def _is_closed(self, service: Service, need: Need) -> bool:
        key = service.view.provider_service_id, need.urgency
        if key not in self._closed:
            within = timedelta(seconds=self.policy.categories[need.category].clocks[need.urgency].answer_within)
            self._closed[key] = is_closed(service, now=self.now, answer_within=within)
        return self._closed[key]


def _verdict(ranked: list[Candidate], excluded: dict[UUID, list[Interlock | Exclusion]]) -> Verdict:
    if ranked:
        return Verdict.OFFER
    if any(codes == [Exclusion.NO_FREE_PLACE] for codes in excluded.values()):
        return Verdict.WAITLIST
    return Verdict.NOBODY
