"""Receives certificates from the directory."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.directory import CertificatePublished
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.certificates.actions import keep_certificates


def subscribe(subscriptions: Subscriptions) -> None:
    """Subscribe to certificates. `providers.subscribers` declares how the copies of the topic are built again."""

    @subscriptions.on(CertificatePublished)
    async def keep_their_certificates(session: AsyncSession, batch: Sequence[Received[CertificatePublished]]) -> None:
        await keep_certificates(session, [received.event for received in batch])
