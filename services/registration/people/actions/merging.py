"""Joins records of one person and takes them apart again, and remembers who has to be compared with others.

A merge changes one field of one record: `merged_into`. So nothing of either record is lost, and taking them apart
restores both.
"""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events.catalogue.registration import ReturneeMerged, ReturneeUnmerged
from libs.events.outbox import append
from services.registration.people.tables import Returnee

_RECORDS = """
    WITH RECURSIVE up AS (
        SELECT id AS asked, id, merged_into FROM returnee WHERE id = ANY($1::uuid[])
        UNION ALL
        SELECT up.asked, r.id, r.merged_into FROM up JOIN returnee r ON r.id = up.merged_into
    ), down AS (
        SELECT DISTINCT id AS root, id FROM up WHERE merged_into IS NULL
        UNION ALL
        SELECT down.root, r.id FROM down JOIN returnee r ON r.merged_into = down.id
    )
    SELECT id, root FROM down ORDER BY id
"""
# An existing row is locked, so that a comparison that runs now does not remove it: it has read the facts of before.
_DUE = """
    INSERT INTO comparison_due (returnee_id, due_at) SELECT id, $2 FROM unnest($1::uuid[]) AS d (id) ORDER BY id
    ON CONFLICT (returnee_id) DO UPDATE SET due_at = comparison_due.due_at
"""
_TAKE = """
    SELECT returnee_id FROM comparison_due WHERE $1::uuid IS NULL OR returnee_id = $1
    ORDER BY due_at, returnee_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_TAKE_NEWEST = """
    SELECT returnee_id FROM comparison_due ORDER BY due_at DESC, returnee_id DESC LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_DONE = "DELETE FROM comparison_due WHERE returnee_id = ANY($1::uuid[])"


async def records_of(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """All records of these people, each with the record under which the person continues."""
    rows = await (await raw(session)).fetch(_RECORDS, list(returnee_ids))
    return {row["id"]: row["root"] for row in rows}


async def to_compare(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """Remember that these people have to be compared with others. Call it before you lock a match."""
    if returnee_ids:
        await session.flush()
        await (await raw(session)).execute(_DUE, list(returnee_ids), now(session))


async def take_due(session: AsyncSession, *, limit: int, only: UUID | None = None) -> list[UUID]:
    """The people who have waited longest for a comparison, locked. Those whose facts are being changed are skipped."""
    rows = await (await raw(session)).fetch(_TAKE, only, limit)
    return [row["returnee_id"] for row in rows]


async def take_newest(session: AsyncSession, *, limit: int) -> list[UUID]:
    """The people whose comparison became due last, locked, in the same way."""
    rows = await (await raw(session)).fetch(_TAKE_NEWEST, limit)
    return [row["returnee_id"] for row in rows]


async def compared(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """These people have been compared."""
    await (await raw(session)).execute(_DONE, list(returnee_ids))


async def lock_people(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, Returnee]:
    """These people, locked in the order of their ids."""
    query = select(Returnee).where(col(Returnee.id).in_(returnee_ids)).order_by(col(Returnee.id))
    locking = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {row.id: row for row in (await session.exec(locking)).all()}


async def merge_record(session: AsyncSession, merged: Returnee, into: Returnee) -> None:
    """The person of `merged`, whose row is locked, continues as `into`; publish it."""
    merged.merged_into = into.id
    await _write(session, merged)
    told = ReturneeMerged(returnee_id=merged.id, into_returnee_id=into.id)
    await append(session, [told], traceparents=[merged.traceparent])


async def part_record(session: AsyncSession, merged: Returnee) -> UUID:
    """The merge of this record, whose row is locked, was wrong; publish it, and return the other record's id."""
    into_id = merged.merged_into
    assert into_id is not None, "the caller has checked it"
    merged.merged_into = None
    await _write(session, merged)
    told = ReturneeUnmerged(returnee_id=merged.id, from_returnee_id=into_id)
    await append(session, [told], traceparents=[merged.traceparent])
    return into_id


async def _write(session: AsyncSession, row: Returnee) -> None:
    row.version += 1
    session.add(row)
    await session.flush()
