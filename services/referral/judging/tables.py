"""Rows of returnees whose offers must be evaluated again because the directory has changed."""

from uuid import UUID

from sqlmodel import Field

from services.referral.database import Table


class JourneyToJudgeRow(Table, table=True):
    """A returnee whose offers must be evaluated again."""

    __tablename__ = "journey_to_judge"

    returnee_id: UUID = Field(primary_key=True)
