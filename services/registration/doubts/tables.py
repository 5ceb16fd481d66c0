"""Doubtful parts that were set aside."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, one_of, sealed
from services.registration.doubts.rules import Closing, ClosingReason


class DoubtfulPart(Table, table=True):
    """One part of an arrival that broke a rule. Its value is sealed under the person's key and deleted when it is
    closed."""

    __tablename__ = "doubtful_part"
    __table_args__ = (
        one_of("closing", list(Closing), name="doubtful_part_closing"),
        one_of("closing_reason", list(ClosingReason), name="doubtful_part_closing_reason"),
        CheckConstraint(
            "(closed_at IS NULL) = (closing IS NULL) AND (closing IS NULL) = (closing_reason IS NULL)",
            name="doubtful_part_closed",
        ),
        CheckConstraint("closed_at IS NULL OR value_sealed IS NULL", name="doubtful_part_forgotten"),
        Index("doubtful_part_open", "is_urgent", "id", postgresql_where=text("closed_at IS NULL")),
        Index("doubtful_part_of_returnee", "returnee_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    pointer: str
    """Its place in the received data, as a JSON pointer."""
    rule: str
    """The rule that it broke."""
    is_urgent: bool
    """Whether a delay of the review can harm somebody."""
    value_sealed: bytes | None = Field(default=None, sa_column=sealed())
    set_aside_at: datetime = Field(sa_column=moment())
    closing: str | None = None
    closing_reason: str | None = None
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_by: str | None = None
