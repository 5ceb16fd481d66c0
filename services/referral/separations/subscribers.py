"""Receives from registration which people must be kept apart. `intake.subscribers` locks their journeys first."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.kept_apart import PeopleKeptApart, PeopleKeptApartEnded
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.referral.pack.policy import RoutingPolicy
from services.referral.separations import actions


def subscribe(subscriptions: Subscriptions, policy: RoutingPolicy) -> None:
    """Subscribe to pairs of people who must be kept apart."""

    @subscriptions.on(PeopleKeptApart, PeopleKeptApartEnded)
    async def keep_apart(
        session: AsyncSession, batch: Sequence[Received[PeopleKeptApart | PeopleKeptApartEnded]]
    ) -> None:
        await actions.keep_apart(session, policy, [received.event for received in batch])
