"""How a journey is shown: needs with what belongs to them, and who waited for whom (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

Row = Mapping[str, Any]
_LIVE_OFFERS: Final = frozenset({"pending", "acknowledged"})
_LIVE: Final = frozenset({"awaiting_review", "blocked", "seeking", "waitlisted", "offered", "accepted", "in_service"})
_WAITS_FOR: Final[Mapping[str, str]] = {
    "awaiting_review": "desk",
    "blocked": "prerequisite",
    "seeking": "router",
    "waitlisted": "waitlist",
    "offered": "provider",
    "accepted": "provider",
    "in_service": "service",
}
"""For whom a referral waits in each of its live states. In service, the person gets the help."""


@dataclass(frozen=True)
class ShownReferral:
    """A referral with its offers, the newest first."""

    row: Row
    offers: Sequence[Row]

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.row["status"] in _LIVE


@dataclass(frozen=True)
class ShownNeed:
    """A need with its referrals, the newest first."""

    row: Row
    referrals: Sequence[ShownReferral]

    @property
    def live(self) -> ShownReferral | None:
        """The referral that has not ended."""
        return next((one for one in self.referrals if one.is_live), None)

    @property
    def deadline(self) -> str | None:
        """When somebody must act next: the provider who has the offer, otherwise the owner."""
        if self.live is not None:
            for offer in self.live.offers:
                if offer["status"] in _LIVE_OFFERS:
                    return str(offer["answer_by"])
        due = self.row["owner_due_at"]
        return None if due is None or self.row["status"] != "open" else str(due)


def needs_of(journey: Row) -> list[ShownNeed]:
    """The needs of a journey: open ones first, then by the time of their report."""
    shown = []
    for need in journey["needs"]:
        referrals = [one for one in journey["referrals"] if one["need_id"] == need["id"]]
        of_need = [ShownReferral(one, _newest(journey["offers"], one["id"])) for one in referrals]
        of_need.sort(key=lambda one: str(one.row["opened_at"]), reverse=True)
        shown.append(ShownNeed(need, of_need))
    return sorted(shown, key=lambda one: (one.row["status"] != "open", str(one.row["reported_at"])))


def _newest(offers: Sequence[Row], referral_id: str) -> list[Row]:
    own = [one for one in offers if one["referral_id"] == referral_id]
    return sorted(own, key=lambda one: str(one["made_at"]), reverse=True)


@dataclass(frozen=True)
class Segment:
    """A stretch of time in which one party was waited for."""

    need_id: str
    waits_for: str
    begins: datetime
    ends: datetime | None
    organization_id: str | None = None
    provider_service_id: str | None = None

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken until now."""
        return max(0.0, ((self.ends or now) - self.begins).total_seconds())


@dataclass(frozen=True)
class Lane:
    """The segments of one need, in order."""

    need: Row
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Waterfall:
    """Who waited for whom in a journey, one lane for each need."""

    begins: datetime
    ends: datetime
    lanes: Sequence[Lane] = field(default_factory=list)

    def left(self, segment: Segment) -> float:
        """Where a segment begins, in hundredths of the whole."""
        return 100 * (segment.begins - self.begins).total_seconds() / self._whole

    def width(self, segment: Segment) -> float:
        """How wide a segment is, in hundredths of the whole; never so narrow that it cannot be seen."""
        return min(100 - self.left(segment), max(0.4, 100 * segment.seconds(self.ends) / self._whole))

    @property
    def _whole(self) -> float:
        return max(1.0, (self.ends - self.begins).total_seconds())


def waterfall(journey: Row, *, now: datetime) -> Waterfall | None:
    """The lanes of a journey from its steps. None for a journey without needs."""
    lanes = [Lane(need, _segments(need, journey)) for need in journey["needs"]]
    lanes = [lane for lane in lanes if lane.segments]
    if not lanes:
        return None
    ends = [one.ends for lane in lanes for one in lane.segments]
    last = now if None in ends else max(end for end in ends if end is not None)
    begins = min(lane.segments[0].begins for lane in lanes)
    return Waterfall(begins, max(last, begins), sorted(lanes, key=lambda lane: lane.segments[0].begins))


def _segments(need: Row, journey: Row) -> list[Segment]:
    """Each change of a referral's state ends one segment and begins the next one."""
    offers = {one["id"]: one for one in journey["offers"]}
    services = {one["referral_id"]: one for one in sorted(journey["offers"], key=lambda one: str(one["made_at"]))}
    found: list[Segment] = []
    changes = [one for one in journey["steps"] if one["need_id"] == need["id"] and one["referral_id"] is not None]
    for step in sorted(changes, key=lambda one: str(one["at"])):
        state, at = step["led_to"], datetime.fromisoformat(step["at"])
        if not step["step"].startswith("referral.") or (state not in _WAITS_FOR and state in _LIVE):
            continue
        if found and found[-1].ends is None:
            if _WAITS_FOR.get(state) == found[-1].waits_for and state not in ("offered", "accepted"):
                continue
            found[-1] = Segment(
                found[-1].need_id,
                found[-1].waits_for,
                found[-1].begins,
                at,
                found[-1].organization_id,
                found[-1].provider_service_id,
            )
        if state in _WAITS_FOR:
            offer = offers.get(step["offer_id"]) or services.get(step["referral_id"])
            of_provider = offer if state in ("offered", "accepted", "in_service") else None
            found.append(_begun(need, _WAITS_FOR[state], at, of_provider))
    return [one for one in found if one.ends is None or one.ends > one.begins]


def _begun(need: Row, waits_for: str, at: datetime, offer: Row | None) -> Segment:
    if offer is None:
        return Segment(need["id"], waits_for, at, None)
    return Segment(need["id"], waits_for, at, None, offer["organization_id"], offer["provider_service_id"])
