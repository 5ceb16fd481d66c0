"""Queries of the record of access."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import RESTRICTED, AccessKind, AccessPurpose
from services.registration.audit.schemas import AccessView
from services.registration.audit.tables import AuditEntry


async def access_log(
    session: AsyncSession, subject_ids: Collection[UUID], page: PageRequest, *, restricted: bool
) -> Page[AccessView]:
    """All accesses to the data of this person's records, newest first. Entries about restricted needs are included only
    for callers who may see them."""
    query = select(AuditEntry).where(col(AuditEntry.subject_id).in_(subject_ids))
    if not restricted:
        query = query.where(col(AuditEntry.action).not_like(f"{RESTRICTED}%"))
    if page.after is not None:
        query = query.where(col(AuditEntry.id) < int(page.after[0]))
    rows = (await session.exec(query.order_by(col(AuditEntry.id).desc()).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=_view)


def _view(row: AuditEntry) -> AccessView:
    return AccessView(
        at=row.at,
        kind=AccessKind(row.kind),
        action=row.action,
        who=row.who,
        client_id=row.client_id,
        organization_id=row.organization_id,
        purpose=AccessPurpose(row.purpose),
        fields=row.fields,
        referral_id=row.referral_id,
        offer_id=row.offer_id,
        trace_id=row.trace_id,
        acting_as=row.acting_as or [],
    )


_ACCESSES = """
SELECT 'registration' AS service, id, at, kind, action, who, client_id, organization_id, purpose, fields, trace_id,
    acting_as, ARRAY[subject_id] AS returnee_ids, referral_id, offer_id
FROM audit_entry
WHERE ($1::uuid IS NULL OR subject_id = $1) AND ($2::text IS NULL OR client_id = $2 OR who = $2)
    AND ($3::timestamptz IS NULL OR at >= $3)
ORDER BY id
"""


async def accesses(
    session: AsyncSession, returnee_id: UUID | None, *, by: str | None, since: datetime | None
) -> list[dict[str, object]]:
    """All entries about one person or of one caller, oldest first, restricted needs included (domain P23)."""
    rows = await (await raw(session)).fetch(_ACCESSES, returnee_id, by, since)
    return [dict(row) for row in rows]
