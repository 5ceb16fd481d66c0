"""Who is to be judged again, because something of the directory has changed that was decided upon."""

from uuid import UUID

from sqlmodel import Field

from services.referral.database import Table


class JourneyToJudgeRow(Table, table=True):
    """A returnee whose offers are to be judged again."""

    __tablename__ = "journey_to_judge"

    returnee_id: UUID = Field(primary_key=True)
