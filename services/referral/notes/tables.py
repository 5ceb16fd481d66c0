"""Notes: the only rows of referral that hold words somebody wrote about a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from services.referral.database import Table, moment


class NoteRow(Table, table=True):
    """What somebody wrote about a returnee. Steps and reviews name it by its id, so that they can stay without it."""

    __tablename__ = "note"
    __table_args__ = (
        Index("ix_note_returnee_id", "returnee_id"),
        Index("ix_note_hand_over_id", "hand_over_id", postgresql_where="hand_over_id IS NOT NULL"),
        Index("ix_note_of_nobody", "written_at", postgresql_where="returnee_id IS NULL"),
    )

    note_id: UUID = Field(primary_key=True)
    returnee_id: UUID | None = None
    """Whose erasure wipes it; None where it is about no person we know: it is then wiped after some days."""
    hand_over_id: UUID | None = None
    """Where the same words were said of several people at once: they go with the first of them who is erased."""
    text: str
    written_at: datetime = moment()
