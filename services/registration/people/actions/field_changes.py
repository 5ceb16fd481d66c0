"""Notes when each field of a person last changed, so that a change that was made without a line can be compared."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw

# All fields of one call get the same revision of their person. The person's row is locked, so revisions are in order.
_NOTE = """
    INSERT INTO field_change (returnee_id, field, revision, changed_at, device_id)
    SELECT p.id, f.field, (SELECT coalesce(max(c.revision), 0) + 1 FROM field_change c WHERE c.returnee_id = p.id),
        $3, $4
    FROM unnest($1::uuid[]) AS p (id) CROSS JOIN unnest($2::text[]) AS f (field)
    ON CONFLICT (returnee_id, field) DO UPDATE SET
        revision = excluded.revision, changed_at = excluded.changed_at, device_id = excluded.device_id
"""


async def note_changes(
    session: AsyncSession,
    returnee_ids: Collection[UUID],
    fields: Collection[str],
    *,
    at: datetime | None = None,
    device_id: UUID | None = None,
) -> None:
    """Note that these fields, as JSON pointers, of people whose rows are locked have changed: now and with a line,
    unless a time and a device are given."""
    if returnee_ids and fields:
        await session.flush()
        columns = sorted(set(returnee_ids)), sorted(set(fields))
        await (await raw(session)).execute(_NOTE, *columns, at or now(session), device_id)
