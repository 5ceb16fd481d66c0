"""Absences of desks, and hand-overs from one desk to another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Uuid
from sqlmodel import Field

from services.referral.database import Table, is_one_of, moment
from services.referral.ownership.rules import AbsenceReason


class AbsenceRow(Table, table=True):
    """While it lasts the deputy's work lists show the desk's work too. Owners and their clocks stay as they are."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint(is_one_of("reason", AbsenceReason), name="reason"),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("desk <> deputy", name="deputy"),
        Index("ix_absence_desk", "desk", "ends_at", "absence_id", postgresql_where="cancelled_at IS NULL"),
        Index("ix_absence_deputy", "deputy", "ends_at", postgresql_where="cancelled_at IS NULL"),
    )

    absence_id: UUID = Field(primary_key=True)
    desk: str
    deputy: str
    starts_at: datetime = moment()
    ends_at: datetime = moment()
    reason: str
    made_by: str
    """Subject of the token of who entered it."""
    made_at: datetime = moment()
    cancelled_at: datetime | None = moment(nullable=True)
    """It never began, or ended early."""


class HandOverRow(Table, table=True):
    """Needs that go from one desk to another: one person's, chosen ones, or all of a desk."""

    __tablename__ = "hand_over"
    __table_args__ = (
        CheckConstraint("from_desk <> to_desk", name="desks"),
        Index("ix_hand_over_unfinished", "hand_over_id", postgresql_where="finished_at IS NULL"),
    )

    hand_over_id: UUID = Field(primary_key=True)
    from_desk: str
    to_desk: str
    returnee_id: UUID | None = None
    """Only the needs of this returnee."""
    need_ids: list[UUID] | None = Field(default=None, sa_column=Column(ARRAY(Uuid()), nullable=True))
    """Only these needs."""
    restricted: bool
    """Who asked for it may see needs of restricted categories: they go too."""
    note: str | None = None
    """The reason in words, until the last need has moved: each step has a note of its own, of its own person."""
    made_by: str
    made_at: datetime = moment()
    moved_count: int = 0
    finished_at: datetime | None = moment(nullable=True)
