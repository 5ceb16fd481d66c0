"""Absences of desks, and hand-overs from one desk to another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Uuid
from sqlmodel import Field

from services.referral.database import Table, is_one_of, moment
from services.referral.ownership.rules import AbsenceReason


class AbsenceRow(Table, table=True):
    """An absence. During it, the deputy's work lists also show the desk's work. Owners and clocks do not change."""

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
    """The subject of the token of the person who entered it."""
    made_at: datetime = moment()
    cancelled_at: datetime | None = moment(nullable=True)
    """When it was cancelled before its beginning, or ended early."""


class HandOverRow(Table, table=True):
    """A transfer of needs from one desk to another: those of one person, selected ones, or all of the desk."""

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
    """True if the caller may see restricted categories. Then restricted needs are transferred too."""
    note: str | None = None
    """The reason as text. It is deleted when the last need is transferred, because each step has a note of its own."""
    made_by: str
    made_at: datetime = moment()
    moved_count: int = 0
    finished_at: datetime | None = moment(nullable=True)
