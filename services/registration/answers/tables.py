"""Answers. Every value is sealed: under the key of the person; soft indicators under that of restricted needs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from services.registration.database import Table, moment, sealed


class AnswerSet(Table, table=True):
    """The answers of one person to one version of an instrument."""

    __tablename__ = "answer_set"
    __table_args__ = (
        UniqueConstraint("returnee_id", "instrument", name="answer_set_of_person"),
        Index("answer_set_due", "id", postgresql_where=text("needs_due OR review_due")),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    instrument: str
    instrument_version: int
    """The version with which the person began. A newer version changes nothing here."""
    started_at: datetime = Field(sa_column=moment())
    saved_at: datetime = Field(sa_column=moment())
    completed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    needs_due: bool = False
    """True if needs have not been judged since the last save."""
    review_due: bool = False
    """True if the soft indicators have not been judged since the last save. It is the same for everybody."""


class Answer(Table, table=True):
    """One answer. A correction is a further row with the next version; the earlier ones stay, sealed."""

    __tablename__ = "answer"
    __table_args__ = (Index("answer_of_returnee", "returnee_id"),)

    set_id: UUID = Field(primary_key=True, foreign_key="answer_set.id")
    question: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    value_sealed: bytes = Field(sa_column=sealed(nullable=False))
    answered_at: datetime = Field(sa_column=moment())
