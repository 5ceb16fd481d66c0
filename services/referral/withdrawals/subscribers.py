"""What returnees take back, as registration publishes it."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.registration import (
    ConsentChanged,
    NeedWithdrawn,
    ReturneeErased,
    ReturneeMerged,
    ReturneeUnmerged,
)
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.pack import RoutingPolicy
from services.referral.withdrawals import actions


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy) -> None:
    """Listen to consents, withdrawn needs, erasures and merges."""

    @subscriptions.on(ConsentChanged)
    async def keep_consents(session: AsyncSession, batch: Sequence[Received[ConsentChanged]]) -> None:
        await actions.keep_consents(session, policy, [received.event for received in batch])

    @subscriptions.on(NeedWithdrawn)
    async def withdraw_needs(session: AsyncSession, batch: Sequence[Received[NeedWithdrawn]]) -> None:
        await actions.withdraw_needs(session, policy, [received.event for received in batch])

    @subscriptions.on(ReturneeErased)
    async def erase(session: AsyncSession, batch: Sequence[Received[ReturneeErased]]) -> None:
        await actions.erase(session, policy, {received.event.returnee_id for received in batch})

    @subscriptions.on(ReturneeMerged, ReturneeUnmerged)
    async def keep_merges(session: AsyncSession, batch: Sequence[Received[ReturneeMerged | ReturneeUnmerged]]) -> None:
        await actions.keep_merges(session, policy, [received.event for received in batch])
