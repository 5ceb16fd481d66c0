"""Requests for access in an emergency."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, one_of, sealed
from services.registration.emergencies.rules import Decision, EmergencyReason, Verdict


class Emergency(Table, table=True):
    """One request of one caller for access to one person (domain P5, P18). The database reads this row to decide which
    person the caller sees under it."""

    __tablename__ = "emergency"
    __table_args__ = (
        one_of("reason", list(EmergencyReason), name="emergency_reason"),
        one_of("decision", list(Decision), name="emergency_decision"),
        one_of("verdict", list(Verdict), name="emergency_verdict"),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL)",
            name="emergency_decided",
        ),
        CheckConstraint("(decision IS NOT DISTINCT FROM 'approved') = (ends_at IS NOT NULL)", name="emergency_ends"),
        CheckConstraint("decided_by <> asked_by AND decided_who <> asked_who", name="emergency_second_person"),
        CheckConstraint("(verdict IS NULL) = (reviewed_at IS NULL)", name="emergency_reviewed"),
        Index("emergency_of_returnee", "returnee_id", "id"),
        Index("emergency_to_review", "id", postgresql_where=text("reviewed_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    version: int = 1
    reason: str
    words_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """Sealed under the key of the person; None after an erasure."""
    organization_id: UUID | None = None
    asked_at: datetime = Field(sa_column=moment())
    asked_by: str
    """The principal of the caller, whom the database compares with that of the reader."""
    asked_who: str
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_by: str | None = None
    decided_who: str | None = None
    decision: str | None = None
    ends_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reviewed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reviewed_by: str | None = None
    verdict: str | None = None
