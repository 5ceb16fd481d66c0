"""Queries of the standing of organisations."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work
from libs.events.codes import NeedCategory, PublicationStatus
from services.registration.organizations.rules import may_be_named
from services.registration.organizations.tables import ProviderStanding


async def standing_of(session: AsyncSession, organization_id: UUID) -> ProviderStanding | None:
    """The status of the organisation as last published, or None if nothing has arrived yet."""
    return await session.get(ProviderStanding, organization_id)


async def acting_for(session: AsyncSession, countries: Collection[str]) -> set[UUID]:
    """The organisations that act for these foreign states."""
    if not countries:
        return set()
    query = select(ProviderStanding.organization_id).where(col(ProviderStanding.acts_for).in_(list(countries)))
    return set((await session.exec(query)).all())


async def statuses(
    session: AsyncSession, organization_ids: Collection[UUID], *, restricted: Collection[NeedCategory]
) -> dict[UUID, PublicationStatus]:
    """The status of those of these organisations that a person's record may name. Others are missing, as if they did
    not exist."""
    if not organization_ids:
        return {}
    query = select(ProviderStanding).where(col(ProviderStanding.organization_id).in_(list(organization_ids)))
    async with own_work(session):  # no caller lists the standing of organisations here
        rows = (await session.exec(query)).all()
    return {
        row.organization_id: PublicationStatus(row.status)
        for row in rows
        if may_be_named(row.valid_until, restricted=restricted)
    }
