"""Stores what the directory publishes, unchanged."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.directory import CertificatePublished, OrganizationPublished, ProviderServicePublished
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.certificates.actions import forget_certificates
from services.referral.providers import actions


def subscribe(subscriptions: Subscriptions) -> None:
    """Subscribe to the two compacted topics with services and organisations."""

    @subscriptions.on(ProviderServicePublished)
    async def keep_services(session: AsyncSession, batch: Sequence[Received[ProviderServicePublished]]) -> None:
        await actions.keep_services(session, [received.event for received in batch])

    @subscriptions.on(OrganizationPublished)
    async def keep_organizations(session: AsyncSession, batch: Sequence[Received[OrganizationPublished]]) -> None:
        await actions.keep_organizations(session, [received.event for received in batch])

    @subscriptions.rebuilds(ProviderServicePublished, OrganizationPublished, CertificatePublished)
    async def directory(session: AsyncSession) -> None:
        await actions.forget_directory(session)
        await forget_certificates(session)
