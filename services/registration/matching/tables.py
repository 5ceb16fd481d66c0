"""Keyed hashes of blocking keys, pairs of records that may be one person, and what staff decided about them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from services.registration.database import Table, codes, moment, one_of, sealed
from services.registration.matching.rules import MatchBand, MatchStatus


class MatchKey(Table, table=True):
    """A blocking key of a person, as a keyed hash. People with a key in common are compared."""

    __tablename__ = "match_key"
    __table_args__ = (Index("match_key_of_returnee", "returnee_id"),)

    key: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")


class Match(Table, table=True):
    """Two records that may be one person. It contains ids and codes, and no fact of either person."""

    __tablename__ = "match"
    __table_args__ = (
        one_of("status", list(MatchStatus), name="match_status"),
        one_of("band", list(MatchBand), name="match_band"),
        CheckConstraint("first_id < second_id", name="match_of_two"),
        UniqueConstraint("first_id", "second_id", name="match_once"),
        Index("match_of_second", "second_id"),
        Index("match_open", "id", postgresql_where=text("status = 'open'")),
    )

    id: UUID = Field(primary_key=True)
    first_id: UUID = Field(foreign_key="returnee.id")
    second_id: UUID = Field(foreign_key="returnee.id")
    version: int = 1
    status: str
    band: str
    weight: float
    """The sum of the weights of all facts (Fellegi and Sunter)."""
    reasons: list[str] = Field(sa_column=codes())
    """Codes of what agrees and what does not."""
    facts: bytes = Field(sa_column=sealed(nullable=False))
    """A keyed hash of the facts that can reopen a match that staff have decided: document numbers and birth dates."""
    found_at: datetime = Field(sa_column=moment())


class MatchDecision(Table, table=True):
    """One decision of staff about a match. It is never changed."""

    __tablename__ = "match_decision"
    __table_args__ = (
        one_of("status", list(MatchStatus), name="match_decision_status"),
        Index("match_decision_of_match", "match_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    match_id: UUID = Field(foreign_key="match.id")
    status: str
    """What was decided."""
    reason: str
    into_id: UUID | None = None
    """After a merge: the record that continues."""
    first_version: int
    """The version of each record when it was decided."""
    second_version: int
    decided_by: str
    decided_at: datetime = Field(sa_column=moment())
