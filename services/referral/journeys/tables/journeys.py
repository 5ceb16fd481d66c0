"""Rows of a journey: the returnee's data for routing, their needs, referrals and offers, and every step taken."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from libs.events.codes import Urgency
from services.referral.database import Table, big, document, is_one_of, moment
from services.referral.lifecycles.rules import (
    LIVE_OFFER,
    LIVE_REFERRAL,
    ROUTED,
    UNMET,
    UNMET_ENDED,
    UNMET_OPEN,
    NeedStatus,
    OfferStatus,
    ReferralStatus,
    in_sql,
)

_LIVE_REFERRAL = f"status IN {in_sql(LIVE_REFERRAL)}"
_LIVE_OFFER = f"status IN {in_sql(LIVE_OFFER)}"
_ROUTED = f"status IN {in_sql(ROUTED)}"


class JourneyRow(Table, table=True):
    """The data about one returnee that routing uses. Each step locks this row, so that steps of one journey run one
    after another."""

    __tablename__ = "journey"
    __table_args__ = (Index("ix_journey_case_code", "case_code", postgresql_where="case_code IS NOT NULL"),)

    returnee_id: UUID = Field(primary_key=True)
    case_code: str | None = None
    profile: dict[str, Any] | None = document()
    """The whole routing profile as registration published it. It is deleted when the person's data are erased."""
    profile_version: int = 0
    consent_version: int = 0  # 0: registration has not said anything about consent yet.
    consents: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default="{}"))
    """For each purpose and recipient class: until when the consent is valid. A missing entry means no consent."""
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = Field(default=None, index=True)
    merged_into: UUID | None = Field(default=None, index=True)
    journey_ended_at: datetime | None = moment(nullable=True)
    """When the journey ended: the person died, left, or has another record. After that no needs are routed."""
    journey_end_reason: str | None = None
    erased_at: datetime | None = moment(nullable=True)
    first_seen_at: datetime = moment()
    traceparent: str | None = None


class NeedRow(Table, table=True):
    """One thing that a returnee or a household lacks."""

    __tablename__ = "need"
    __table_args__ = (
        CheckConstraint(is_one_of("urgency", Urgency), name="urgency"),
        CheckConstraint(is_one_of("status", NeedStatus), name="status"),
        CheckConstraint("people_count > 0", name="people_count"),
        Index("ix_need_returnee_id", "returnee_id"),
        Index("ix_need_arrival_batch_id", "arrival_batch_id"),
        Index("ix_need_owned", "owner", "owned_since", "need_id", postgresql_where="owner IS NOT NULL"),
        Index("ix_need_owner_due", "owner", "owner_due_at", "need_id", postgresql_where="owner IS NOT NULL"),
        Index("ix_need_owned_since", "owned_since", "need_id", postgresql_where="owner IS NOT NULL"),
        Index("ix_need_unmet", "restricted", "category", "need_id", postgresql_where=UNMET),
        Index(
            "ix_need_unmet_open",
            *("restricted", "category", "kind", "area", "owner_reason", "counted_until"),
            postgresql_where=UNMET_OPEN,
        ),
        Index(
            "ix_need_unmet_ended",
            "ended_at",
            postgresql_include=["restricted", "category", "kind", "area", "end_reason", "counted_until"],
            postgresql_where=UNMET_ENDED,
        ),
        Index("ix_need_open", "need_id", postgresql_where="status = 'open'"),
    )

    need_id: UUID = Field(primary_key=True)
    returnee_id: UUID
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = None
    category: str
    kind: str | None = None
    """What exactly is needed, a kind of the country pack's taxonomy; None if only the category is known."""
    detail_values: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )
    """The values of coded details of the kind, by detail."""
    urgency: str
    people_count: int
    restricted: bool
    after_need_id: UUID | None = None  # The need of the same person that has to be met first.
    moved_from: UUID | None = None
    status: str = NeedStatus.OPEN
    reported_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)
    end_reason: str | None = None
    owner: str | None = None  # The desk that is responsible for the need now.
    owner_reason: str | None = None
    owned_since: datetime | None = moment(nullable=True)
    owner_level: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many desks below this one did not act in time."""
    owner_seen_at: datetime | None = moment(nullable=True)
    """When the owner last gave a sign of life."""
    owner_due_at: datetime | None = moment(nullable=True)
    """Deadline for the next sign of life; then the desk above becomes the owner."""
    owner_overdue_since: datetime | None = moment(nullable=True)
    """Since when the steward's sign of life is overdue. No desk is above the steward, so the need stays there."""
    traceparent: str | None = None
    area: str | None = None  # Where the returnee goes, so that lists of an area need no profile.
    counted_until: datetime | None = moment(nullable=True)
    """Until when the need may be counted in statistics: the end of the returnee's consent to that. None: never."""


class ReferralRow(Table, table=True):
    """The process that brings one need to a provider service."""

    __tablename__ = "referral"
    __table_args__ = (
        CheckConstraint(is_one_of("status", ReferralStatus), name="status"),
        Index("uq_referral_live", "need_id", unique=True, postgresql_where=_LIVE_REFERRAL),
        Index("ix_referral_need_id", "need_id"),
        Index("ix_referral_returnee_id", "returnee_id"),
        Index("ix_referral_household_id", "household_id", postgresql_where="household_id IS NOT NULL"),
        Index(
            "ix_referral_ready",
            "urgency_rank",
            "waiting_since",
            "referral_id",
            postgresql_where=f"ready_at IS NOT NULL AND {_ROUTED}",
        ),
        Index(
            "ix_referral_new",
            "urgency_rank",
            "waiting_since",
            "referral_id",
            postgresql_where=f"ready_at = opened_at AND {_ROUTED}",
        ),
        Index(
            "ix_referral_ready_at",
            "ready_at",
            postgresql_where=f"ready_at IS NOT NULL AND {_ROUTED}",
        ),
        Index(
            "ix_referral_idle",
            "category",
            "urgency_rank",
            "waiting_since",
            "referral_id",
            postgresql_where=f"(ready_at IS NULL OR status = 'waitlisted') AND {_ROUTED}",
        ),
        Index("ix_referral_waiting", "status", "waiting_since", "need_id", postgresql_where=_LIVE_REFERRAL),
        Index("ix_referral_halted", "halted_since", "need_id", postgresql_where="halted_since IS NOT NULL"),
        Index("ix_referral_awaiting_review", "referral_id", postgresql_where="status = 'awaiting_review'"),
        Index(
            "ix_referral_searching", "next_attempt_at", "referral_id", postgresql_where="searching_since IS NOT NULL"
        ),
    )

    referral_id: UUID = Field(primary_key=True)
    need_id: UUID
    returnee_id: UUID
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = None
    category: str
    kind: str | None = None
    """The kind of its need."""
    urgency: str
    urgency_rank: int  # 0 emergency, 1 urgent, 2 normal: the order of the router's rounds.
    people_count: int
    restricted: bool
    status: str
    approved_for: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """The reasons of reviews that an authorised person has approved. Each reason needs its own approval."""
    waiting_since: datetime = moment()
    """Since when the need waits. A new attempt does not change it."""
    ready_at: datetime | None = moment(nullable=True)
    """When the router looks at the referral next. None: not before something changes."""
    tried_supply: int = big(default=-1)
    """The category's count of changes of supply when the router last found no candidate. A higher count wakes the
    referral."""
    ring: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How far the search has widened: an index into the pack's `rings_km`, or its length after the last ring."""
    blocked_by: UUID | None = None
    offer_id: UUID | None = None
    """Its live or accepted offer."""
    opened_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)
    end_reason: str | None = None
    """The code of the cancellation, or the reason why nothing was delivered."""
    outcome: str | None = None
    outcome_facts: dict[str, Any] | None = document()
    """The completion facts: codes with yes, no or a count, never free text."""
    searching_since: datetime | None = moment(nullable=True)
    missed_count: int = 0
    next_attempt_at: datetime | None = moment(nullable=True)
    overruled: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """The rules that a person has overruled for the current offer."""
    halted_since: datetime | None = moment(nullable=True)
    """Since when its accepted offer is halted until a desk decides."""
    halted_for: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """The rules for which it is halted."""
    traceparent: str | None = None


class OfferRow(Table, table=True):
    """The proposal of a referral to one provider service."""

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint(is_one_of("status", OfferStatus), name="status"),
        Index("uq_offer_live", "referral_id", unique=True, postgresql_where=_LIVE_OFFER),
        Index("uq_offer_accepted", "referral_id", unique=True, postgresql_where="status = 'accepted'"),
        Index("ix_offer_returnee_id", "returnee_id"),
        Index("ix_offer_organization", "organization_id", "status", "offer_id"),
        Index("ix_offer_organization_all", "organization_id", "offer_id"),
        Index("ix_offer_status", "status", "offer_id"),
        Index("ix_offer_made_at", "made_at"),
        Index("ix_offer_service_made_at", "provider_service_id", "made_at"),
        Index("ix_offer_live_service", "provider_service_id", postgresql_where=_LIVE_OFFER),
        Index("ix_offer_answered", "ended_at", postgresql_where="status IN ('accepted', 'declined')"),
    )

    offer_id: UUID = Field(primary_key=True)
    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    pool_id: UUID
    """The pool of its places. If there are several pools, the one with most of them; `place_hold` has all."""
    case_code: str
    category: str
    kind: str | None = None
    """The kind of its need when it was made."""
    detail_values: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )
    """The details of its need when it was made, by detail. The provider may not read the need."""
    offered_kind: str | None = None
    """The kind that the service would give; None if it does not name its kinds, or first finds out what is needed."""
    service_type: str
    urgency: str
    people_count: int
    restricted: bool
    status: str = OfferStatus.PENDING
    made_at: datetime = moment()
    answer_by: datetime = moment()
    acknowledge_by: datetime | None = moment(nullable=True)
    """The deadline for the provider to acknowledge the offer, if the pack sets one."""
    max_stay_hours: int | None = None  # The longest stay, as the service declared when the offer was made.
    acknowledged_at: datetime | None = moment(nullable=True)
    ended_at: datetime | None = moment(nullable=True)
    """When it was answered, expired or recalled."""
    reason: str | None = None  # The code of a decline or a recall.
    explanation: dict[str, Any] = document(nullable=False)
    """Why this service was chosen and the others were not."""
    traceparent: str | None = None


class StepRow(Table, table=True):
    """One step that was taken.

    The steps are the evidence of what happened: rows are added, never changed or removed.
    """

    __tablename__ = "step"
    __table_args__ = (Index("ix_step_returnee_id", "returnee_id", "step_id"),)

    step_id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = moment()
    returnee_id: UUID
    need_id: UUID
    referral_id: UUID | None = None
    offer_id: UUID | None = None
    step: str
    """The step of a need, referral or offer, such as `offer.accept`."""
    led_to: str
    """The state after it."""
    actor: str
    """`router`, `clock`, `auto`, `registration`, `watcher`, or the subject of a person's or partner's token."""
    reason: str | None = None
    note_id: UUID | None = None
    """The note in which a person gave the reason in words. An erasure deletes the note and keeps this row."""
    traceparent: str | None = None
