"""Rows of the journey: the returnee as routing knows them, their needs, referrals and offers, and every step taken."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Identity, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from libs.events.codes import NeedCategory, Urgency
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
    """One returnee as routing knows them. Locking this row is what makes steps of one journey follow one another."""

    __tablename__ = "journey"

    returnee_id: UUID = Field(primary_key=True)
    case_code: str | None = None
    profile: dict[str, Any] | None = document()
    """The whole routing profile as registration published it; dropped on erasure."""
    profile_version: int = 0
    consent_version: int = 0  # 0: registration has not said anything about consent yet.
    consents: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default="{}"))
    """By purpose and recipient class: until when it is allowed. What is not in it is not allowed."""
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = Field(default=None, index=True)
    merged_into: UUID | None = None
    journey_ended_at: datetime | None = moment(nullable=True)
    """When the journey ended, so that no needs are routed any more: the person died, left, or has another record."""
    journey_end_reason: str | None = None
    erased_at: datetime | None = moment(nullable=True)
    first_seen_at: datetime = moment()
    traceparent: str | None = None


class NeedRow(Table, table=True):
    """One thing that a returnee or a household lacks."""

    __tablename__ = "need"
    __table_args__ = (
        CheckConstraint(is_one_of("category", NeedCategory), name="category"),
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
            "restricted",
            "category",
            "area",
            "owner_reason",
            "counted_until",
            postgresql_where=UNMET_OPEN,
        ),
        Index(
            "ix_need_unmet_ended",
            "ended_at",
            postgresql_include=["restricted", "category", "area", "end_reason", "counted_until"],
            postgresql_where=UNMET_ENDED,
        ),
        Index("ix_need_open", "need_id", postgresql_where="status = 'open'"),
    )

    need_id: UUID = Field(primary_key=True)
    returnee_id: UUID
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = None
    category: str
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
    """The number of desks below this one that did not act in time."""
    owner_seen_at: datetime | None = moment(nullable=True)
    """When the owner last gave a sign of life."""
    owner_due_at: datetime | None = moment(nullable=True)
    """Deadline for the next sign of life; then the desk above becomes the owner."""
    owner_overdue_since: datetime | None = moment(nullable=True)
    """Since when the steward's desk, above which there is nobody, is silent."""
    traceparent: str | None = None
    area: str | None = None  # Where the returnee goes, so that lists of an area need no profile.
    counted_until: datetime | None = moment(nullable=True)
    """Until when it may be in a statistic: the end of the consent that its returnee gave to that; None: never."""


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
    urgency: str
    urgency_rank: int  # 0 emergency, 1 urgent, 2 normal: the order of the router's rounds.
    people_count: int
    restricted: bool
    status: str
    approved_for: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """Reasons of reviews that a person with the right to it has approved; one of them settles no other."""
    waiting_since: datetime = moment()
    """Since when the need waits; kept over every new attempt."""
    ready_at: datetime | None = moment(nullable=True)
    """From when the router looks at it; None: not until something changes."""
    tried_opening: int = big(default=-1)
    """The category's count of openings when the router last found nobody; a higher one wakes it."""
    ring: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How far the search has widened: the place in the pack's `rings_km`, or its length once they are spent."""
    blocked_by: UUID | None = None
    offer_id: UUID | None = None
    """Its live or accepted offer."""
    opened_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)
    end_reason: str | None = None
    """Code of the cancellation or of why nothing was delivered."""
    outcome: str | None = None
    outcome_facts: dict[str, Any] | None = document()
    """What its completion stated: codes with yes, no or a count; never a text."""
    searching_since: datetime | None = moment(nullable=True)
    missed_count: int = 0
    next_attempt_at: datetime | None = moment(nullable=True)
    overruled: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """Rules that a person has overruled for the offer that stands."""
    halted_since: datetime | None = moment(nullable=True)
    """Since when its accepted offer may not go on until a desk has decided."""
    halted_for: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """The rules that say so."""
    traceparent: str | None = None


class OfferRow(Table, table=True):
    """A referral put to one provider service."""

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
    )

    offer_id: UUID = Field(primary_key=True)
    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    pool_id: UUID
    """The pool of its places, or of the most of them: `place_hold` has all."""
    case_code: str
    category: str
    service_type: str
    urgency: str
    people_count: int
    restricted: bool
    status: str = OfferStatus.PENDING
    made_at: datetime = moment()
    answer_by: datetime = moment()
    acknowledge_by: datetime | None = moment(nullable=True)
    """By when the provider says that it has seen it, where the pack waits for that."""
    max_stay_hours: int | None = None  # The longest stay, as the service declared when the offer was made.
    acknowledged_at: datetime | None = moment(nullable=True)
    ended_at: datetime | None = moment(nullable=True)
    """When it was answered, expired or recalled."""
    reason: str | None = None  # Coded, of a decline or a recall.
    explanation: dict[str, Any] = document(nullable=False)
    """Why this service and why not the others."""
    traceparent: str | None = None


class StepRow(Table, table=True):
    """One step as it was taken: the record from which everything can be proven. Rows are only ever added."""

    __tablename__ = "step"
    __table_args__ = (Index("ix_step_returnee_id", "returnee_id", "step_id"),)

    step_id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = moment()
    returnee_id: UUID
    need_id: UUID
    referral_id: UUID | None = None
    offer_id: UUID | None = None
    step: str
    """The step of the need, referral or offer, such as `offer.accept`."""
    led_to: str
    """The state after it."""
    actor: str
    """`router`, `clock`, `auto`, `registration`, `watcher`, or the subject of a person's or partner's token."""
    reason: str | None = None
    note_id: UUID | None = None
    """The note in which a person gave the reason in words. The note goes with an erasure, this row stays."""
    traceparent: str | None = None
