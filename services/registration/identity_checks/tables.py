"""Checks of who a person is."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.registration.database import Table, moment, sealed


class IdentityCheck(Table, table=True):
    """One try of one caller to prove who a person is. The questions and the keyed hashes of the right answers go away
    with the judgement, or when the next check of the person is made."""

    __tablename__ = "identity_check"
    __table_args__ = (
        CheckConstraint("proven_until IS NULL OR judged_at IS NOT NULL", name="identity_check_judged"),
        CheckConstraint("judged_at IS NULL OR questions_sealed IS NULL", name="identity_check_once"),
        CheckConstraint("(questions_sealed IS NULL) = (right_keys IS NULL)", name="identity_check_open"),
        Index("identity_check_of_returnee", "returnee_id", "made_on"),
        Index("identity_check_of_caller", "made_by", "made_on"),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    made_by: str
    """The principal of the caller. Nobody else can answer or use the check."""
    made_on: date
    """The day in the time zone of the country, for which tries are counted."""
    made_at: datetime = Field(sa_column=moment())
    answer_by: datetime = Field(sa_column=moment())
    questions_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """Sealed under the key of the person."""
    right_keys: bytes | None = Field(default=None, sa_column=sealed())
    """One keyed hash of the position of the right option for each question, in their order."""
    judged_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    proven_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """Until then the check counts as a proof. None: it proves nothing."""
