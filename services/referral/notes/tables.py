"""Notes: the only permanent rows of referral with free text about a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from services.referral.database import Table, moment


class NoteRow(Table, table=True):
    """Free text about a returnee. Steps and reviews contain only its id, so that they can remain without it."""

    __tablename__ = "note"
    __table_args__ = (
        Index("ix_note_returnee_id", "returnee_id"),
        Index("ix_note_hand_over_id", "hand_over_id", postgresql_where="hand_over_id IS NOT NULL"),
        Index("ix_note_of_nobody", "written_at", postgresql_where="returnee_id IS NULL"),
    )

    note_id: UUID = Field(primary_key=True)
    returnee_id: UUID | None = None
    """The person whose erasure deletes the note. None if it is about no known person; it is then deleted by age."""
    hand_over_id: UUID | None = None
    """The hand-over, if the same text is about several people. The first erasure of one of them deletes all copies."""
    text: str
    written_at: datetime = moment()
