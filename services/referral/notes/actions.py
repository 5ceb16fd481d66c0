"""Writes and deletes notes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from services.referral.database import columns_of, insert_columns
from services.referral.notes.rules import KEEP_OF_NOBODY, Note
from services.referral.notes.tables import NoteRow

# A person may have several records. Records that are merged, in either direction, belong to the same person.
_WIPE = """
WITH RECURSIVE person(returnee_id) AS (
    SELECT unnest($1::uuid[])
    UNION
    SELECT CASE WHEN journey.returnee_id = person.returnee_id THEN journey.merged_into ELSE journey.returnee_id END
    FROM journey JOIN person ON person.returnee_id IN (journey.returnee_id, journey.merged_into)
    WHERE journey.merged_into IS NOT NULL
)
DELETE FROM note WHERE returnee_id IN (SELECT returnee_id FROM person)
    OR hand_over_id IN (SELECT hand_over_id FROM note JOIN person USING (returnee_id))
    OR hand_over_id = ANY($2::uuid[])
"""
_WIPE_OF_NOBODY = "DELETE FROM note WHERE returnee_id IS NULL AND written_at < $1"
_IS_ERASED = "SELECT EXISTS (SELECT 1 FROM journey WHERE returnee_id = $1 AND erased_at IS NOT NULL)"


async def write(session: AsyncSession, notes: Sequence[Note]) -> None:
    """Store these notes with one statement."""
    await insert_columns(session, NoteRow, columns_of(notes, Note._fields))


async def write_one(session: AsyncSession, returnee_id: UUID | None, text: str) -> UUID | None:
    """Store one note and return its id. If the person has been erased, nothing is stored and None is returned."""
    if returnee_id is not None and await (await raw(session)).fetchval(_IS_ERASED, returnee_id):
        return None
    note = Note(uuid7(), returnee_id, text, now(session))
    await write(session, [note])
    return note.note_id


async def wipe(session: AsyncSession, returnee_ids: Collection[UUID], *, hand_over_ids: Collection[UUID] = ()) -> None:
    """Delete the notes about these returnees and about records merged with theirs, and the notes of these
    hand-overs."""
    await (await raw(session)).execute(_WIPE, sorted(returnee_ids), sorted(hand_over_ids))


async def wipe_of_nobody(session: AsyncSession) -> None:
    """Delete notes that belong to no person and are older than `KEEP_OF_NOBODY`."""
    await (await raw(session)).execute(_WIPE_OF_NOBODY, now(session) - KEEP_OF_NOBODY)
