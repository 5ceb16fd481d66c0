"""One journey in memory while its row is locked. Steps change these plain values; they are written at the end."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from libs.consents.policy import ConsentGate, organization_named
from libs.events.codes import NeedCategory, OwnerReason, Urgency
from libs.events.detail_values import DetailValue
from services.referral.lifecycles.exit_plan import Checklist, NextStep, empty_checklist, is_complete
from services.referral.lifecycles.rules import LIVE_OFFER, LIVE_REFERRAL, NeedStatus, OfferStatus, ReferralStatus

URGENCY_RANK = {Urgency.EMERGENCY: 0, Urgency.URGENT: 1, Urgency.NORMAL: 2}
"""The order of the router's rounds."""
NEVER_BY_ITSELF = 2**62
"""Value of `tried_supply` for a referral that no change of supply makes ready. If it has no `ready_at` either, only a
step makes it ready, for example the decision of a review."""
UNTIL_TOLD = NEVER_BY_ITSELF - 1
"""Value of `tried_supply` for a referral that only a step or a changed profile makes ready."""


@dataclass(slots=True)
class Need:
    """One need; the fields are those of its row."""

    need_id: UUID
    returnee_id: UUID
    household_id: UUID | None
    arrival_batch_id: UUID | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    restricted: bool
    after_need_id: UUID | None
    status: NeedStatus
    reported_at: datetime
    ended_at: datetime | None = None
    end_reason: str | None = None
    owner: str | None = None
    owner_reason: OwnerReason | None = None
    owned_since: datetime | None = None
    owner_level: int = 0
    owner_seen_at: datetime | None = None
    owner_due_at: datetime | None = None
    owner_overdue_since: datetime | None = None
    moved_from: UUID | None = None
    traceparent: str | None = None
    area: str | None = None
    counted_until: datetime | None = None
    kind: str | None = None
    """What exactly is needed; None if only the category is known."""
    detail_values: Mapping[str, DetailValue] = field(default_factory=dict)
    """The values of coded details of the kind, by detail."""


@dataclass(slots=True)
class Referral:
    """One referral; the fields are those of its row."""

    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    household_id: UUID | None
    arrival_batch_id: UUID | None
    category: NeedCategory
    urgency: Urgency
    urgency_rank: int
    people_count: int
    restricted: bool
    status: ReferralStatus
    waiting_since: datetime
    opened_at: datetime
    approved_for: frozenset[str] = frozenset()
    """The reasons of the approved reviews."""
    ready_at: datetime | None = None
    tried_supply: int = -1
    ring: int = 0
    blocked_by: UUID | None = None
    offer_id: UUID | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    outcome: str | None = None
    searching_since: datetime | None = None
    missed_count: int = 0
    next_attempt_at: datetime | None = None
    overruled: frozenset[str] = frozenset()
    """The rules that a person has overruled for the current offer."""
    halted_since: datetime | None = None
    """Since when its accepted offer is halted until a desk decides."""
    halted_for: frozenset[str] = frozenset()
    """The rules for which it is halted."""
    traceparent: str | None = None
    kind: str | None = None
    """The kind of its need."""

    @property
    def is_live(self) -> bool:
        """True if the referral has not ended."""
        return self.status in LIVE_REFERRAL


@dataclass(slots=True)
class Offer:
    """One offer; the fields are those of its row."""

    offer_id: UUID
    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    pool_id: UUID
    case_code: str
    category: NeedCategory
    service_type: str
    urgency: Urgency
    people_count: int
    restricted: bool
    status: OfferStatus
    made_at: datetime
    answer_by: datetime
    acknowledge_by: datetime | None = None
    max_stay_hours: int | None = None
    acknowledged_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    traceparent: str | None = None
    kind: str | None = None
    """The kind of its need when it was made."""
    detail_values: Mapping[str, DetailValue] = field(default_factory=dict)
    """The details of its need when it was made, by detail."""
    offered_kind: str | None = None
    """The kind that the service would give; None if it does not name its kinds, or first finds out what is needed."""

    @property
    def is_live(self) -> bool:
        """True while the offer waits for an answer and holds its places."""
        return self.status in LIVE_OFFER


@dataclass(slots=True)
class Stay:
    """One stay; the fields are those of its row."""

    referral_id: UUID
    offer_id: UUID
    need_id: UUID
    returnee_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    category: NeedCategory
    service_type: str
    people_count: int
    restricted: bool
    started_at: datetime
    ends_at: datetime
    leaves_at: datetime
    extended_hours: int = 0
    ended_at: datetime | None = None
    next_step: NextStep = NextStep.UNKNOWN
    checklist: Checklist = field(default_factory=empty_checklist)
    without_next_step: bool = True
    version: int = 1
    traceparent: str | None = None

    @property
    def is_planned(self) -> bool:
        """True if every item of the exit plan is settled and the next step is known."""
        return is_complete(self.checklist, self.next_step)

    def due_before_end(self, seconds: float) -> datetime:
        """The time that is this many seconds before the end, on the installation's clock."""
        return self.ends_at - timedelta(seconds=seconds)

    def due_after_end(self, seconds: float) -> datetime:
        """The time that is this many seconds after the end, on the installation's clock."""
        return self.ends_at + timedelta(seconds=seconds)


def opened_until(gate: ConsentGate, consents: Mapping[str, str]) -> datetime | None:
    """The time until which these consents open the gate, or None if they do not open it."""
    return max((datetime.fromisoformat(consents[key]) for key in gate.keys if key in consents), default=None)


def opens(gate: ConsentGate, consents: Mapping[str, str], *, at: datetime, organization_id: UUID | None = None) -> bool:
    """True if one of these consents opens the gate and is still valid at `at`. Each consent comes with its end.

    With `organization_id`: for this organisation; otherwise for all of the recipient classes.
    """
    keys = gate.keys if organization_id is None else gate.keys_for(organization_id)
    return any(key in consents and datetime.fromisoformat(consents[key]) > at for key in keys)


def named_in(gate: ConsentGate, consents: Mapping[str, str], *, at: datetime) -> frozenset[UUID]:
    """The organisations that consents with the purpose of this gate name and that are still valid at `at`."""
    named = ((organization_named(gate.purpose, key), until) for key, until in consents.items())
    return frozenset(one for one, until in named if one is not None and datetime.fromisoformat(until) > at)


@dataclass(frozen=True, slots=True)
class Household:
    """People who are registered as belonging together."""

    household_id: UUID
    version: int
    member_ids: tuple[UUID, ...]
    expected_size: int
    stay_together: bool


@dataclass(slots=True)
class Journey:
    """Everything that referral knows about one returnee."""

    returnee_id: UUID
    case_code: str | None = None
    profile: dict[str, Any] | None = None
    profile_version: int = 0
    consent_version: int = 0
    consents: dict[str, str] = field(default_factory=dict)
    """For each purpose and recipient (`consent_key`, `organization_key`): until when the consent is valid."""
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = None
    erased_at: datetime | None = None
    merged_into: UUID | None = None
    journey_ended_at: datetime | None = None
    journey_end_reason: str | None = None
    traceparent: str | None = None
    needs: dict[UUID, Need] = field(default_factory=dict)
    referrals: dict[UUID, Referral] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)

    def copied(self) -> "Journey":
        """A copy with its own needs, referrals and offers. Their fields need no copy, because no step changes a field's
        value in place."""
        return replace(
            self,
            needs={key: copy(one) for key, one in self.needs.items()},
            referrals={key: copy(one) for key, one in self.referrals.items()},
            offers={key: copy(one) for key, one in self.offers.items()},
        )

    def live_referral(self, need_id: UUID) -> Referral | None:
        """The referral of this need that has not ended, or None."""
        return next((one for one in self.referrals.values() if one.need_id == need_id and one.is_live), None)

    def offer_of(self, referral: Referral) -> Offer | None:
        """The referral's live or accepted offer, or None."""
        return None if referral.offer_id is None else self.offers[referral.offer_id]

    def consented(self, gate: ConsentGate | None, at: datetime) -> bool:
        """True if a consent that is valid at `at` opens this gate for every organisation of a recipient class. Without
        a gate, no consent is sufficient."""
        return gate is not None and opens(gate, self.consents, at=at)

    def named(self, gate: ConsentGate | None, at: datetime) -> frozenset[UUID]:
        """The organisations that consents name which are valid at `at` and have the purpose of this gate."""
        return frozenset() if gate is None else named_in(gate, self.consents, at=at)
