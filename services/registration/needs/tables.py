"""Needs as told at intake."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index
from sqlmodel import Field

from libs.events.codes import NeedCategory, Urgency
from services.registration.database import Table, moment, one_of, sealed
from services.registration.needs.rules import NeedStatus


class Need(Table, table=True):
    """One need of a returnee, or of a household under its reference person."""

    __tablename__ = "need"
    __table_args__ = (
        one_of("category", list(NeedCategory), name="need_category"),
        one_of("urgency", list(Urgency), name="need_urgency"),
        one_of("status", list(NeedStatus), name="need_status"),
        CheckConstraint("people_count BETWEEN 1 AND 30", name="need_people_count"),
        CheckConstraint("people_count = 1 OR household_id IS NOT NULL", name="need_of_many_has_household"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="need_withdrawn_at"),
        Index("need_of_returnee", "returnee_id", "id"),
        Index("need_of_batch", "arrival_batch_id"),
    )

    id: UUID = Field(primary_key=True)
    need_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """Keyed hash of sender, person and the sender's reference of the need; makes a repeat recognisable."""
    returnee_id: UUID = Field(foreign_key="returnee.id")
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    arrival_batch_id: UUID | None = Field(default=None, foreign_key="arrival_batch.id")
    category: str
    urgency: str
    people_count: int
    after_need_id: UUID | None = Field(default=None, foreign_key="need.id")
    status: str
    reported_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    traceparent: str | None = None
