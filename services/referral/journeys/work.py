"""Collects what the steps of one transaction decide about its journeys, to be written together.

Steps change the plain values of `facts` and record the consequences here: rows to write, places to take or release,
clocks to start or stop, events to publish. This module does not use the database; `actions.write` does.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from pydantic_core import to_json

from libs.events.catalogue.journeys import AtProvider, JudgedOn, OfReferral, ReferralEvent
from libs.events.catalogue.referral import AgeDecided
from libs.events.detail_values import FactValue
from services.referral.clocks.rules import Hours, TimerKind, due_after
from services.referral.journeys.facts import Journey, Need, Offer, Referral, Stay
from services.referral.lifecycles.printed import NETWORK
from services.referral.lifecycles.rules import AnyStep, recorded
from services.referral.notes.rules import Note
from services.referral.pack.categories import CategoryPolicy
from services.referral.pack.clocks import ProviderWait
from services.referral.pack.policy import RoutingPolicy
from services.referral.reviews.rules import ReviewDecided

Trace = Callable[[str | None, str, UUID], str | None]
"""Starts a span below a stored traceparent and returns its own. The span ends when the work is written."""
_Any = TypeVar("_Any", Need, Referral, Offer)

AUTOMATIC: Final[frozenset[str]] = NETWORK
"""Actors that are not people. Every other actor is a person, or a program that acts for a person."""


class Timer(NamedTuple):
    """A clock to start; the fields are those of its row."""

    subject_id: UUID
    kind: TimerKind
    nth: int
    returnee_id: UUID
    due_at: datetime
    traceparent: str | None


class Step(NamedTuple):
    """One recorded step; the fields are those of its row."""

    at: datetime
    step: str
    led_to: str
    actor: str
    returnee_id: UUID
    need_id: UUID
    referral_id: UUID | None
    offer_id: UUID | None
    reason: str | None
    note_id: UUID | None
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Release:
    """Places of an offer to release. `used`: the service was given, so only a new declaration makes them available."""

    offer: Offer
    used: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """A referral that joins a queue, with the services that it waits for."""

    referral: Referral
    provider_service_ids: tuple[UUID, ...]
    places: Mapping[UUID, int]
    """The pools that it waits for, with the number of places that it needs in each."""


@dataclass(frozen=True, slots=True)
class ReviewAsked:
    """A review to open."""

    review_id: UUID
    referral: Referral
    reason: str
    desk: str


class StayEnd(NamedTuple):
    """The end of a referral's stay, if it has one. `leaving`: its people leave, so gaps in their plan are shown."""

    referral_id: UUID
    leaving: bool


@dataclass(slots=True)
class Work:
    """Collects the consequences of the steps of one transaction."""

    at: datetime
    policy: RoutingPolicy
    journeys: dict[UUID, Journey]
    new_id: Callable[[], UUID]
    trace: Trace
    actor: str
    """The actor of the steps: one of `AUTOMATIC`, or the subject of a token."""
    hours: dict[UUID, Hours] = field(default_factory=dict)
    """Opening hours by service, only of services whose clocks may stop while they are closed."""
    added: dict[UUID, Need | Referral | Offer] = field(default_factory=dict)
    changed: dict[UUID, Need | Referral | Offer] = field(default_factory=dict)
    explanations: dict[UUID, dict[str, object]] = field(default_factory=dict)
    excluded: list[tuple[Offer, str]] = field(default_factory=list)
    reviews_asked: list[ReviewAsked] = field(default_factory=list)
    reviews_decided: list[ReviewDecided] = field(default_factory=list)
    taken: list[Offer] = field(default_factory=list)
    begun: list[Offer] = field(default_factory=list)
    """Accepted offers whose service has begun."""
    released: list[Release] = field(default_factory=list)
    shares: dict[UUID, tuple[tuple[UUID, int], ...]] = field(default_factory=dict)
    """For each new offer: the pools in which its places are already held, with the number in each."""
    full: list[Offer] = field(default_factory=list)
    """Offers declined as full. Their pools accept no holds until the provider declares them again."""
    conflicts: set[tuple[UUID, UUID]] = field(default_factory=set)
    """Pairs of a returnee and an organisation that declared a conflict of interest."""
    no_longer_offered: set[UUID] = field(default_factory=set)
    """Services that their providers no longer offer."""
    journeys_changed: set[UUID] = field(default_factory=set)
    """Returnees whose journey has ended or continues again."""
    moved: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Needs of a merged record, each with the need that continues and takes over its refusals."""
    silence_forgiven: set[UUID] = field(default_factory=set)
    """Reopened needs. A service that only let an offer expire may be asked again."""
    outcome_facts: dict[UUID, Mapping[str, FactValue]] = field(default_factory=dict)
    """The completion facts, by referral."""
    queued: dict[UUID, Queued] = field(default_factory=dict)
    unqueued: set[UUID] = field(default_factory=set)
    stays_begun: list[Stay] = field(default_factory=list)
    stays_changed: dict[UUID, Stay] = field(default_factory=dict)
    stays_ended: dict[UUID, StayEnd] = field(default_factory=dict)
    timers: dict[UUID, list[Timer]] = field(default_factory=dict)
    stopped: set[UUID] = field(default_factory=set)
    stopped_kinds: set[tuple[UUID, TimerKind]] = field(default_factory=set)
    judged_on: dict[UUID, JudgedOn] = field(default_factory=dict)
    """By referral: the facts with which its offer was evaluated in this work and found allowed."""
    newly_owned: set[UUID] = field(default_factory=set)
    """Needs for which this work has named an owner. The owner cannot have seen them yet."""
    steps: list[Step] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    events: list[tuple[ReferralEvent | AgeDecided, str | None]] = field(default_factory=list)

    def add(self, row: _Any) -> _Any:
        """Note a new need, referral or offer."""
        self.added[_id(row)] = row
        return row

    def change(self, row: Need | Referral | Offer) -> None:
        """Note that this row has changed. A row that this work has added is written once, with its final values."""
        if _id(row) not in self.added:
            self.changed[_id(row)] = row

    def change_stay(self, stay: Stay) -> None:
        """Note that this stay has changed. The first change in a piece of work increases its version by one."""
        if stay.referral_id not in self.stays_changed:
            stay.version += 1
        self.stays_changed[stay.referral_id] = stay

    def rules_of(self, row: Need | Referral | Offer) -> CategoryPolicy:
        """The pack's policy for the kind of this need, or for its category."""
        return self.policy.rules_of(row.category, row.kind)

    @contextmanager
    def acting_as(self, actor: str) -> Iterator[None]:
        """Record the steps inside this context with another actor."""
        mine, self.actor = self.actor, actor
        try:
            yield
        finally:
            self.actor = mine

    def rehearsal(self, returnee_id: UUID) -> "Work":
        """Work on a copy of one journey that is never written, so that a refused step there changes nothing here."""
        journeys = {returnee_id: self.journeys[returnee_id].copied()}
        return Work(self.at, self.policy, journeys, new_id=self.new_id, trace=lambda *_: None, actor=self.actor)

    def due_in(self, seconds: float) -> datetime:
        """The time that is this many seconds from now, on the installation's clock."""
        return self.at + timedelta(seconds=seconds)

    def due_at_provider(
        self, wait: ProviderWait, row: Referral | Offer, *, provider_service_id: UUID, seconds: float
    ) -> datetime:
        """When this clock of a provider runs out. It counts only opening hours if the pack says so."""
        hours = self.hours.get(provider_service_id)
        if hours is None or not self.rules_of(row).runs_in_working_hours(wait, row.urgency):
            return self.due_in(seconds)
        return due_after(self.at, seconds, hours, self.policy.holidays.includes)

    def start_timer(self, kind: TimerKind, subject: Need | Referral | Offer, *, due_at: datetime, nth: int = 0) -> None:
        """Start a clock for a need, a referral or an offer."""
        timer = Timer(_id(subject), kind, nth, subject.returnee_id, due_at, subject.traceparent)
        self.timers.setdefault(timer.subject_id, []).append(timer)

    def stop_timers(self, subject: Need | Referral | Offer) -> None:
        """Stop every clock of a need, a referral or an offer, including clocks that this work has started."""
        if _id(subject) not in self.added:
            self.stopped.add(_id(subject))
        self.timers.pop(_id(subject), None)

    def stop_timer(self, kind: TimerKind, subject: Need | Referral | Offer) -> None:
        """Stop the clocks of one kind. The others continue."""
        self.stopped_kinds.add((_id(subject), kind))
        if _id(subject) in self.timers:
            self.timers[_id(subject)] = [one for one in self.timers[_id(subject)] if one.kind is not kind]

    def queue(self, referral: Referral, provider_service_ids: tuple[UUID, ...], places: Mapping[UUID, int]) -> None:
        """Put the referral in the queue, or change the services and places for which it waits there."""
        self.unqueued.discard(referral.referral_id)
        self.queued[referral.referral_id] = Queued(referral, provider_service_ids, places)

    def unqueue(self, referral: Referral) -> None:
        """Take the referral out of the queue."""
        self.queued.pop(referral.referral_id, None)
        self.unqueued.add(referral.referral_id)

    def explanation_of(self, offer: Offer) -> str:
        """Why this service was chosen and the others were not, as JSON text."""
        return to_json(self.explanations[offer.offer_id]).decode()

    def record(
        self,
        step: AnyStep,
        row: Need | Referral | Offer,
        *,
        reason: str | None = None,
        note: str | None = None,
        hand_over_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> None:
        """Record one step. `hand_over_id` is given if its note is about several people of one hand-over."""
        offer_id = row.offer_id if isinstance(row, Offer) else None
        referral_id = None if isinstance(row, Need) else row.referral_id
        values = (self.at, recorded(step), row.status.value, self.actor, row.returnee_id, row.need_id)
        note_id = self._keep(row.returnee_id, note, hand_over_id)
        self.steps.append(Step(*values, referral_id, offer_id, reason, note_id, traceparent or row.traceparent))

    def _keep(self, returnee_id: UUID, text: str | None, hand_over_id: UUID | None) -> UUID | None:
        """Store a note separately from its step. No note is stored about an erased person."""
        if text is None or self.journeys[returnee_id].erased_at is not None:
            return None
        note = Note(self.new_id(), returnee_id, text, self.at, hand_over_id)
        self.notes.append(note)
        return note.note_id

    def tell_of_need(self, kind: type[ReferralEvent], need: Need | Referral, *, trace: str | None, **more: Any) -> None:
        """Publish an event about a need."""
        self.events.append((kind(**self._common(need), **more), trace))

    def tell_of_referral(self, kind: type[OfReferral], referral: Referral, *, trace: str | None, **more: Any) -> None:
        """Publish an event about a referral."""
        self.events.append((kind(**self._common(referral), referral_id=referral.referral_id, **more), trace))

    def tell_of_offer(self, kind: type[AtProvider], offer: Offer, *, trace: str | None, **more: Any) -> None:
        """Publish an event about an offer or the service after it."""
        event = kind(
            **self._common(offer),
            referral_id=offer.referral_id,
            offer_id=offer.offer_id,
            organization_id=offer.organization_id,
            provider_service_id=offer.provider_service_id,
            **more,
        )
        self.events.append((event, trace))

    def _common(self, row: Need | Referral | Offer) -> dict[str, Any]:
        return {
            "returnee_id": row.returnee_id,
            "case_code": self.journeys[row.returnee_id].case_code or "",
            "need_id": row.need_id,
            "category": row.category,
            "kind": row.kind,
            "at": self.at,
        }


def _id(row: Need | Referral | Offer) -> UUID:
    if isinstance(row, Offer):
        return row.offer_id
    return row.referral_id if isinstance(row, Referral) else row.need_id
