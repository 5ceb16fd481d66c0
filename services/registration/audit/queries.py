"""The record of access: a person's list."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import RESTRICTED, AccessKind, AccessPurpose
from services.registration.audit.schemas import AccessView
from services.registration.audit.tables import AuditEntry


async def access_log(
    session: AsyncSession, subject_id: UUID, page: PageRequest, *, restricted: bool
) -> Page[AccessView]:
    """Who touched this person's data, newest first; entries about restricted needs only where they may be seen."""
    query = select(AuditEntry).where(AuditEntry.subject_id == subject_id)
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
    )
