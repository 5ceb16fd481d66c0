"""Reads the record of access."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.paging import Page, PageRequest, page_of
from services.referral.audit.schemas import AccessView

_LOG = """
SELECT id, at, kind, action, who, client_id, organization_id, purpose, fields, trace_id,
    coalesce(acting_as, '{}') AS acting_as,
    ARRAY(SELECT shown.record_id FROM unnest(returnee_ids, record_ids) AS shown(returnee_id, record_id)
          WHERE shown.returnee_id = $1) AS record_ids
FROM access_entry WHERE id = ANY($2::bigint[]) ORDER BY id DESC
"""
# A separate statement with the rights of the service, because a condition on an array cannot use its index under
# row-level security.
_OF_PERSON = """
SELECT id FROM accesses_of($1) WHERE ($2 OR NOT restricted) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


async def access_log(
    session: AsyncSession, returnee_id: UUID, page: PageRequest, *, restricted: bool
) -> Page[AccessView]:
    """Who read or changed the data about this person, newest first. Entries show nothing about other people."""
    after = None if page.after is None else int(page.after[0])
    connection = await raw(session)
    async with own_work(session):
        found = await connection.fetch(_OF_PERSON, returnee_id, restricted, after, page.limit + 1)
    rows = await connection.fetch(_LOG, returnee_id, [row["id"] for row in found])
    return page_of(rows, request=page, cursor_of=lambda row: [str(row["id"])], view=_view)


def _view(row: Mapping[str, Any]) -> AccessView:
    return AccessView.model_validate({name: row[name] for name in AccessView.model_fields})


_ACCESSES = """
SELECT 'referral' AS service, id, at, kind, action, who, client_id, organization_id, purpose, fields, trace_id,
    acting_as, CASE WHEN $1::uuid IS NULL THEN returnee_ids ELSE ARRAY[$1::uuid] END AS returnee_ids,
    ARRAY(SELECT shown.record_id FROM unnest(returnee_ids, record_ids) AS shown(returnee_id, record_id)
          WHERE $1::uuid IS NULL OR shown.returnee_id = $1) AS record_ids
FROM access_entry
WHERE ($1::uuid IS NULL OR id IN (SELECT id FROM accesses_of($1))) AND ($2::text IS NULL OR client_id = $2 OR who = $2)
    AND ($3::timestamptz IS NULL OR at >= $3)
ORDER BY id
"""


async def accesses(
    session: AsyncSession, returnee_id: UUID | None, *, by: str | None, since: datetime | None
) -> list[dict[str, object]]:
    """The whole record of one person or of one caller, with restricted needs, oldest first (domain P23)."""
    rows = await (await raw(session)).fetch(_ACCESSES, returnee_id, by, since)
    return [dict(row) for row in rows]
