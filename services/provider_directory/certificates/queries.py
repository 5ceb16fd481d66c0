"""Queries of certificates."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.provider_directory.certificates.rules import RevocationReason
from services.provider_directory.certificates.schemas import CertificateView
from services.provider_directory.certificates.tables import Certificate


async def certificate(session: AsyncSession, certificate_id: UUID, *, lock: bool = False) -> Certificate:
    """One certificate, or NotFound."""
    query = select(Certificate).where(Certificate.id == certificate_id).execution_options(populate_existing=True)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def certificates(
    session: AsyncSession, page: PageRequest, *, kind: str | None, organization_id: UUID | None
) -> Page[CertificateView]:
    """Certificates, newest first, also those that are not valid any more."""
    query = select(Certificate)
    if kind is not None:
        query = query.where(Certificate.kind == kind)
    if organization_id is not None:
        query = query.where(Certificate.organization_id == organization_id)
    if page.after is not None:
        query = query.where(col(Certificate.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(Certificate.id).desc()).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=view)


def view(row: Certificate) -> CertificateView:
    """A certificate as staff see it."""
    reason = None if row.revocation_reason is None else RevocationReason(row.revocation_reason)
    return CertificateView(**row.model_dump(exclude={"revocation_reason"}), revocation_reason=reason)
