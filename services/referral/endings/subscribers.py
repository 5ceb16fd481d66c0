"""Receives events from registration that end needs or journeys."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.registration import (
    NeedWithdrawn,
    ReturneeErased,
    ReturneeMerged,
    ReturneeUnmerged,
)
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.endings import actions
from services.referral.pack.policy import RoutingPolicy


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy) -> None:
    """Subscribe to withdrawn needs, erasures and merges."""

    @subscriptions.on(NeedWithdrawn)
    async def withdraw_needs(session: AsyncSession, batch: Sequence[Received[NeedWithdrawn]]) -> None:
        await actions.withdraw_needs(session, policy, [received.event for received in batch])

    @subscriptions.on(ReturneeErased)
    async def erase(session: AsyncSession, batch: Sequence[Received[ReturneeErased]]) -> None:
        await actions.erase(session, policy, {received.event.returnee_id for received in batch})

    @subscriptions.on(ReturneeMerged, ReturneeUnmerged)
    async def keep_merges(session: AsyncSession, batch: Sequence[Received[ReturneeMerged | ReturneeUnmerged]]) -> None:
        await actions.keep_merges(session, policy, [received.event for received in batch])
