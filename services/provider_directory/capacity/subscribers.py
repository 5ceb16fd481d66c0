"""Receives events: an offer that was declined as full contradicts a declared figure."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.referral import OfferDeclined
from libs.events.codes import DeclineReason
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.provider_directory.capacity import actions
from services.provider_directory.capacity.actions import Refusal

subscriptions = Subscriptions(group="provider_directory")


@subscriptions.on(OfferDeclined)
async def doubt_figures(session: AsyncSession, batch: Sequence[Received[OfferDeclined]]) -> None:
    """Record doubts for offers declined as `full`. Other reasons concern the person or the service, not the figures."""
    refusals = [
        Refusal(
            offer_id=received.event.offer_id,
            service_id=received.event.provider_service_id,
            declined_at=received.event.at,
            traceparent=received.traceparent,
        )
        for received in batch
        if received.event.reason is DeclineReason.FULL
    ]
    if refusals:
        await actions.record_doubts(session, refusals)
