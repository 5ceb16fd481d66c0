"""Rows with the time at which something is due."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.referral.clocks.rules import TimerKind
from services.referral.database import Table, is_one_of, moment


class TimerRow(Table, table=True):
    """One clock. Its row is deleted when the clock has fired or is no longer needed."""

    __tablename__ = "timer"
    __table_args__ = (CheckConstraint(is_one_of("kind", TimerKind), name="kind"),)

    subject_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    nth: int = Field(primary_key=True, default=0)
    """The number among several clocks of its kind, for example the second reminder."""
    returnee_id: UUID
    due_at: datetime = moment(index=True)
    traceparent: str | None = None
