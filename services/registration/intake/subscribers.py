"""Receives from referral what a desk has decided about the age of a person."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.arrivals import AgeTold
from libs.events.catalogue.referral import AgeDecided
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.registration.intake.actions.corrections import take_age_decision
from services.registration.pack import Pack
from services.registration.vault.sealing import Vault


def subscribe(subscriptions: Subscriptions, *, vault: Vault, pack: Pack) -> None:
    """Subscribe to decisions about ages. Each changes the profile of the person, which is then published."""

    @subscriptions.on(AgeDecided)
    async def take_age_decisions(session: AsyncSession, batch: Sequence[Received[AgeDecided]]) -> None:
        for event in sorted((one.event for one in batch), key=lambda event: (event.returnee_id, event.at)):
            decided = AgeTold(group=event.age_group, basis=event.basis)
            await take_age_decision(session, event.returnee_id, decided, at=event.at, vault=vault, pack=pack)
