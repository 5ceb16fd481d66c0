"""What a note is, and how long notes that belong to no person are kept. Pure."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

KEEP_OF_NOBODY: Final = timedelta(days=28)
"""As long as topics and parked events are kept. An erasure cannot find such a note, so it is deleted by age."""


class Note(NamedTuple):
    """A note to write; the fields are those of its row."""

    note_id: UUID
    returnee_id: UUID | None
    text: str
    written_at: datetime
    hand_over_id: UUID | None = None
