"""Attempts to find a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.referral.database import Table, is_one_of, moment
from services.referral.searches.rules import SearchChannel, SearchResult


class SearchAttemptRow(Table, table=True):
    """One attempt to find a person for a referral. Rows are added, never changed or removed."""

    __tablename__ = "search_attempt"
    __table_args__ = (
        CheckConstraint(is_one_of("channel", SearchChannel), name="channel"),
        CheckConstraint(is_one_of("result", SearchResult), name="result"),
        Index("ix_search_attempt_referral_id", "referral_id", "search_attempt_id"),
    )

    search_attempt_id: UUID = Field(primary_key=True)
    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    at: datetime = moment()
    by: str
    """The subject of the token of the person who made the attempt."""
    channel: str
    result: str
