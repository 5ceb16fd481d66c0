"""Rows of stays: which people are at a service for a limited time, until when, and where they go afterwards."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.referral.database import Table, document, is_one_of, moment
from services.referral.lifecycles.exit_plan import NextStep


class StayRow(Table, table=True):
    """The stay of one referral, for all its people: from the start of the service until they have left."""

    __tablename__ = "stay"
    __table_args__ = (
        CheckConstraint(is_one_of("next_step", NextStep), name="next_step"),
        CheckConstraint("ends_at > started_at", name="ends_after_start"),
        CheckConstraint("leaves_at = coalesce(ended_at, ends_at)", name="leaves_at"),
        Index("ix_stay_leaving", "leaves_at", "referral_id", postgresql_where="without_next_step"),
        Index("ix_stay_running", "leaves_at", "referral_id", postgresql_where="ended_at IS NULL"),
        Index("ix_stay_ended", "leaves_at", "referral_id", postgresql_where="ended_at IS NOT NULL"),
        Index(
            "ix_stay_organization", "organization_id", "leaves_at", "referral_id", postgresql_where="ended_at IS NULL"
        ),
    )

    referral_id: UUID = Field(primary_key=True)
    offer_id: UUID
    need_id: UUID
    returnee_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    category: str
    service_type: str
    people_count: int
    restricted: bool
    started_at: datetime = moment()
    ends_at: datetime = moment()
    """When the stay must end. Only an extension changes it."""
    extended_hours: int = 0
    """The sum of all extensions."""
    ended_at: datetime | None = moment(nullable=True)
    """When its referral ended, or None while the people are at the service."""
    leaves_at: datetime = moment()
    """When the people left, or must leave. The lists are ordered by it."""
    next_step: str = NextStep.UNKNOWN
    checklist: dict[str, Any] = document(nullable=False)
    """The status of each item, with who changed it last and when."""
    without_next_step: bool = True
    """True if the plan has gaps that staff must still close. False also if the stay ended in a way that makes its plan
    unnecessary, for example because its referral was entered in error."""
    version: int = 1
    traceparent: str | None = None
