"""The choice for one need: which services may take it, in which order, and why the others may not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.events.codes import NeedCategory, Urgency
from services.referral.candidates.facts import Need, Pool, Service, Share, next_opening
from services.referral.candidates.interlocks import PLACE_OF_OTHERS, Guards, Interlock, guards_of, interlocks
from services.referral.candidates.kinds import kinds_served, lacking, offered_kind, stands_in
from services.referral.candidates.pools import admits_among, fitting_places, in_time, waited_for
from services.referral.candidates.reach import Reach
from services.referral.candidates.reasons import Exclusion
from services.referral.candidates.rules import (
    Rule,
    breakable,
    documents_missing,
    exclusions,
    is_closed,
    origin,
    ring_of,
    standing,
)
from services.referral.candidates.score import PARTS, Parts, Scale
from services.referral.pack.policy import RoutingPolicy

TOLD_IN_PARTS: Final = 3
"""How many of the best candidates an explanation shows with the parts of their scores."""


class Verdict(StrEnum):
    """The result of the choice for the referral."""

    OFFER = "offer"
    WAITLIST = "waitlist"
    """A service could take it if it had a free place."""
    NOBODY = "nobody"
    """No service of the network may take it. A desk must become the owner."""


@dataclass(slots=True)
class Candidate:
    """A service that may take the need, with the places that would be held: in one pool, or divided by age."""

    service: Service
    shares: tuple[Share, ...]
    score: float
    parts: Parts
    kind: str | None = None
    """The kind that the service would give; None if it does not name its kinds, or first finds out what is needed."""
    stands_in: bool = False
    """True if this is another kind than the need asks for, which the pack lets stand in for it."""

    @property
    def pool(self) -> Pool:
        """The pool in which its places would be held. If there are two pools, the one with more of them."""
        return self.shares[0].pool

    def told(self, *, with_parts: bool = True) -> dict[str, object]:
        """The candidate as an explanation shows it."""
        shown: dict[str, object] = {
            "provider_service_id": self.service.id_text,
            "score": self.score,
        }
        if self.kind is not None:
            shown["kind"] = self.kind
        if self.stands_in:
            shown["stands_in"] = True
        if with_parts:
            shown["parts"] = {name: round(value, 3) for name, value in zip(PARTS, self.parts, strict=True)}
        return shown


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one choice."""

    verdict: Verdict
    ranked: list[Candidate]
    excluded: dict[UUID, list[Interlock | Exclusion]] = field(default_factory=dict)
    """Services that give what is needed, or something near to it, and were excluded, with all reasons."""
    ring: int = 0
    """How far the search had to widen: an index into the pack's `rings_km`, or its length after the last ring."""
    kind: str | None = None
    """The kind that is needed."""
    of_other_kinds: int = 0
    """How many services of the category were not considered, because they give other kinds or are out of reach."""
    gives_elsewhere: bool = False
    """True if services give the kind, but none of them within reach."""

    @property
    def chosen(self) -> Candidate | None:
        """The best candidate, or None."""
        return self.ranked[0] if self.ranked else None

    @property
    def full_services(self) -> list[UUID]:
        """Services that are excluded only because no place is free. The referral can wait in their queues."""
        return [service_id for service_id, codes in self.excluded.items() if codes == [Exclusion.NO_FREE_PLACE]]

    @property
    def lacking(self) -> Exclusion | None:
        """What the network lacks for this need if nobody may take it: the kind, or the scope; None: something else."""
        nothing_there = not self.excluded and (self.gives_elsewhere or not self.of_other_kinds)
        return None if self.verdict is not Verdict.NOBODY or nothing_there else lacking(self.excluded.values())

    def explanation(self, policy: RoutingPolicy) -> dict[str, object]:
        """Why this service was chosen and the others were not, as stored with the offer (DESIGN 5, domain P29). It
        contains no data about people, so it does not name services at which somebody else is."""
        return {
            "policy": policy.version,
            "ring": self.ring,
            "kind": self.kind,
            "of_other_kinds": self.of_other_kinds,
            "ranked": [one.told(with_parts=place < TOLD_IN_PARTS) for place, one in enumerate(self.ranked)],
            "excluded": [
                {"provider_service_id": str(service_id), "reasons": [code.value for code in codes]}
                for service_id, codes in self.excluded.items()
                if PLACE_OF_OTHERS.isdisjoint(codes)
            ],
        }


@dataclass(frozen=True, slots=True)
class _Screened:
    """A service, the reasons that exclude it from every need now, and the rules that can exclude it from some needs."""

    service: Service
    pools: Sequence[Pool]
    """The pools of the service in which places may be held now."""
    standing: tuple[Exclusion, ...]
    rules: tuple[Rule, ...]


def _why_no_place(need: Need, pools: Sequence[Pool]) -> Exclusion:
    """Nobody waits for places that are not for people of their age, such as an adult for `child_beds`."""
    fit = not pools or admits_among([pool.kind for pool in pools], need.people)
    return Exclusion.NO_FREE_PLACE if fit else Exclusion.AGE


class Market:
    """The services of one round. Everything that is the same for all needs is computed once.

    The needs of a round share the pools: `hold` reduces the free places for the needs that follow.
    """

    def __init__(self, services: Iterable[Service], policy: RoutingPolicy, now: datetime) -> None:
        self.policy = policy
        self.now = now
        self._scale = Scale(policy, now)
        self._by_kind: dict[tuple[NeedCategory, str | None], list[_Screened]] = {}
        self._counts: Counter[NeedCategory] = Counter()
        self._closed: dict[tuple[UUID, Urgency, str | None], bool] = {}
        for service in services:
            category = service.view.category
            pools = in_time(service, now, ahead=policy.category(category).held_ahead)
            screened = _Screened(service, pools, tuple(standing(service, now)), breakable(service, policy))
            self._counts[category] += 1
            for kind in kinds_served(service, policy.taxonomy):
                self._by_kind.setdefault((category, kind), []).append(screened)

    def choose(self, need: Need, reach: Reach | None = None) -> Decision:
        """Which services may take this need, best first. Equal inputs give equal decisions.

        `reach`: those that it can reach, if the market has others too. None: all services of the market.
        """
        ranked: list[Candidate] = []
        excluded: dict[UUID, list[Interlock | Exclusion]] = {}
        start, guards = origin(need, self.policy), guards_of(need, self.policy)
        considered = self._considered(need)
        if reach is not None:
            near = reach.service_ids
            considered = [one for one in considered if one.service.view.provider_service_id in near]
        for screened in considered:
            service = screened.service
            codes = self._codes(need, guards, screened)
            shares = fitting_places(need, screened.pools)
            if not shares:
                codes.append(_why_no_place(need, screened.pools))
            if codes:
                excluded[service.view.provider_service_id] = codes
                continue
            value, parts = self._scale.score(need, service, shares[0].pool, start=start)
            ranked.append(candidate_of(need, service, shares, self.policy, score=value, parts=parts))
        ring = self._widen(need, ranked, excluded)
        ranked.sort(key=_best_first)
        whole = self._counts[need.category] if reach is None else reach.of_category
        others, elsewhere = max(0, whole - len(considered)), reach is not None and reach.gives_elsewhere
        return Decision(_verdict(ranked, excluded), ranked, excluded, ring, need.kind, others, elsewhere)

    def documents_missing(self, need: Need, decision: Decision) -> frozenset[str]:
        """The documents that the person lacks for services that are excluded because of them."""
        return frozenset().union(
            *(
                documents_missing(need, screened.service, self.policy)
                for screened in self._considered(need)
                if Exclusion.DOCUMENT_NEEDED_FIRST
                in decision.excluded.get(screened.service.view.provider_service_id, ())
            )
        )

    def _considered(self, need: Need) -> Sequence[_Screened]:
        kind = None if need.kind is None else self.policy.taxonomy.current(need.kind)
        return self._by_kind.get((need.category, kind), ())

    def _widen(self, need: Need, ranked: list[Candidate], excluded: dict[UUID, list[Interlock | Exclusion]]) -> int:
        """The nearest ring with a candidate, beginning with the need's present ring. Candidates beyond it are
        excluded."""
        rings = self.policy.rules_of(need.category, need.kind).rings_km
        if not rings:
            return 0
        lies = {one.service.view.provider_service_id: ring_of(need, one.service, self.policy) for one in ranked}
        # What stands in for the kind never keeps the search from the kind itself.
        nearest = [lies[one.service.view.provider_service_id] for one in ranked if not one.stands_in] or lies.values()
        ring = max(need.ring, min(nearest, default=len(rings)))
        excluded.update({service_id: [Exclusion.BEYOND_RING] for service_id, found in lies.items() if found > ring})
        ranked[:] = [one for one in ranked if lies[one.service.view.provider_service_id] <= ring]
        return ring

    @staticmethod
    def hold(candidate: Candidate) -> None:
        """Subtract the candidate's places from the free places for the rest of the round."""
        for share in candidate.shares:
            share.pool.free -= share.places

    def waits(self, need: Need, decision: Decision) -> dict[UUID, int]:
        """The pools that lack only free places for this need, with the number of places that it needs in each."""
        full = set(decision.full_services)
        found: dict[UUID, int] = {}
        for screened in self._considered(need):
            if screened.service.view.provider_service_id in full:
                found.update(waited_for(need, screened.pools))
        return found

    def opens_at(self, need: Need, decision: Decision) -> datetime | None:
        """When the first service that is excluded only because it is closed could be asked. None if there is none."""
        moments = [
            opening - self._answer_within(need) + timedelta(seconds=1)
            for screened in self._considered(need)
            if _only_closed(decision.excluded.get(screened.service.view.provider_service_id, ()))
            and (opening := next_opening(screened.service.view, self.now + self._answer_within(need))) is not None
        ]
        return min(moments, default=None)

    def _answer_within(self, need: Need) -> timedelta:
        rules = self.policy.rules_of(need.category, need.kind)
        return timedelta(seconds=rules.clocks[need.urgency].answer_within)

    def _codes(self, need: Need, guards: Guards, screened: _Screened) -> list[Interlock | Exclusion]:
        codes: list[Interlock | Exclusion] = [*interlocks(guards, screened.service), *screened.standing]
        if self._is_closed(screened.service, need):
            codes.append(Exclusion.CLOSED)
        codes.extend(exclusions(need, screened.service, self.policy, screened.rules))
        return codes

    def _is_closed(self, service: Service, need: Need) -> bool:
        policy = self.policy.rules_of(need.category, need.kind)
        if not service.view.openings or policy.runs_in_working_hours("answer", need.urgency):
            # If the clock of the answer stops while the service is closed, the offer can wait for it to open.
            return False
        key = service.view.provider_service_id, need.urgency, need.kind
        if key not in self._closed:
            self._closed[key] = is_closed(service, now=self.now, answer_within=self._answer_within(need))
        return self._closed[key]


def _only_closed(codes: Sequence[Interlock | Exclusion]) -> bool:
    return Exclusion.CLOSED in codes and set(codes) <= {Exclusion.CLOSED, Exclusion.NO_FREE_PLACE}


def candidate_of(
    need: Need, service: Service, shares: tuple[Share, ...], policy: RoutingPolicy, *, score: float, parts: Parts
) -> Candidate:
    """The service as a candidate for this need, with the kind that it would give."""
    kind = offered_kind(need, service, policy.taxonomy)
    return Candidate(service, shares, score, parts, kind, stands_in(need, kind, policy.taxonomy))


def _best_first(one: Candidate) -> tuple[bool, float, str]:
    return one.stands_in, -one.score, one.service.id_text


def _verdict(ranked: list[Candidate], excluded: dict[UUID, list[Interlock | Exclusion]]) -> Verdict:
    if ranked:
        return Verdict.OFFER
    if any(codes == [Exclusion.NO_FREE_PLACE] for codes in excluded.values()):
        return Verdict.WAITLIST
    return Verdict.NOBODY
