"""Receives consents from registration."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.registration import ConsentChanged
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.consents import actions
from services.referral.pack.policy import RoutingPolicy


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy) -> None:
    """Subscribe to changes of consents."""

    @subscriptions.on(ConsentChanged)
    async def keep_consents(session: AsyncSession, batch: Sequence[Received[ConsentChanged]]) -> None:
        await actions.keep_consents(session, policy, [received.event for received in batch])
