"""The record of access: one person's list."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.paging import Page, PageRequest, page_of
from services.referral.audit.schemas import AccessView

_LOG = """
SELECT id, at, kind, action, who, client_id, organization_id, purpose, fields, trace_id,
    ARRAY(SELECT shown.record_id FROM unnest(returnee_ids, record_ids) AS shown(returnee_id, record_id)
          WHERE shown.returnee_id = $1) AS record_ids
FROM access_entry
WHERE returnee_ids @> ARRAY[$1::uuid] AND ($2 OR NOT restricted) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


async def access_log(
    session: AsyncSession, returnee_id: UUID, page: PageRequest, *, restricted: bool
) -> Page[AccessView]:
    """Who touched what referral knows of this person, newest first; of other people on the same page nothing."""
    after = None if page.after is None else int(page.after[0])
    rows = await (await raw(session)).fetch(_LOG, returnee_id, restricted, after, page.limit + 1)
    return page_of(rows, request=page, cursor_of=lambda row: [str(row["id"])], view=_view)


def _view(row: Mapping[str, Any]) -> AccessView:
    return AccessView.model_validate({name: row[name] for name in AccessView.model_fields})
