"""Rows of reviews: decisions that wait for a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from libs.events.people_codes import AgeBasis, AgeGroup
from services.referral.database import Table, is_one_of, moment
from services.referral.reviews.rules import ReviewStatus


class ReviewRow(Table, table=True):
    """A decision that waits for a person: before anything is offered, or because a promise is broken."""

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint(is_one_of("status", ReviewStatus), name="status"),
        CheckConstraint(is_one_of("age_group", AgeGroup), name="age_group"),
        CheckConstraint(is_one_of("age_basis", AgeBasis), name="age_basis"),
        CheckConstraint("(referral_id IS NULL) = (promise IS NOT NULL)", name="subject"),
        Index("uq_review_pending", "referral_id", unique=True, postgresql_where="status = 'pending'"),
        Index("uq_review_breach", "promise", "subject_id", unique=True, postgresql_where="status = 'pending'"),
        Index("ix_review_age", "returnee_id", postgresql_where="status = 'pending' AND reason = 'age_unresolved'"),
        Index("ix_review_status", "status", "restricted", "review_id"),
        Index("ix_review_desk", "desk", "status", "restricted", "review_id"),
        Index("ix_review_category", "category", "status", "restricted", "review_id"),
    )

    review_id: UUID = Field(primary_key=True)
    referral_id: UUID | None = None
    """The referral that waits for the decision. None for a broken promise."""
    need_id: UUID | None = None
    returnee_id: UUID | None = None
    category: str | None = None
    restricted: bool
    promise: str | None = None
    """The name of the broken promise."""
    subject_id: UUID | None = None
    """The need, offer or pool that breaks it, or the subject of the late clock."""
    reason: str
    desk: str
    status: str = ReviewStatus.PENDING
    requested_at: datetime = moment()
    decided_at: datetime | None = moment(nullable=True)
    decided_by: str | None = None
    age_of: UUID | None = None
    """The person whose age a desk decided; for the need of a household it may be any member."""
    age_group: str | None = None
    age_basis: str | None = None
    note_id: UUID | None = None
    """The note with what a person found out about a broken promise."""
    traceparent: str | None = None
