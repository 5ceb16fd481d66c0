"""Receives the declarations of capacity. It locks and changes only pools (DESIGN 3, lock order)."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.directory import CapacityDeclared
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.places import actions


def subscribe(subscriptions: Subscriptions) -> None:
    """Subscribe to the declarations of capacity."""

    @subscriptions.on(CapacityDeclared)
    async def declare_capacity(session: AsyncSession, batch: Sequence[Received[CapacityDeclared]]) -> None:
        await actions.declare(session, [received.event for received in batch])
