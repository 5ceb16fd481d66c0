"""Queries of erasures."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from services.registration.erasure.schemas import ErasureView
from services.registration.erasure.tables import Erasure


async def erasure_view(session: AsyncSession, returnee_id: UUID) -> ErasureView:
    """The erasure of a person, or NotFound."""
    row = await session.get(Erasure, returnee_id)
    if row is None:
        raise NotFound
    return ErasureView(returnee_id=row.returnee_id, erased_at=row.erased_at)
