"""What the directory publishes, kept as it was published."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.directory import OrganizationPublished, ProviderServicePublished
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.providers import actions


def subscribe(subscriptions: Subscriptions) -> None:
    """Listen to the two compacted topics of the directory's standing."""

    @subscriptions.on(ProviderServicePublished)
    async def keep_services(session: AsyncSession, batch: Sequence[Received[ProviderServicePublished]]) -> None:
        await actions.keep_services(session, [received.event for received in batch])

    @subscriptions.on(OrganizationPublished)
    async def keep_organizations(session: AsyncSession, batch: Sequence[Received[OrganizationPublished]]) -> None:
        await actions.keep_organizations(session, [received.event for received in batch])

    @subscriptions.rebuilds(ProviderServicePublished, OrganizationPublished)
    async def directory(session: AsyncSession) -> None:
        await actions.forget_directory(session)
