"""Receives the end of needs from referral: a need that has ended can be reported again as a new one."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.referral import NeedClosed, NeedMet, NeedRefused, NeedReopened
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.registration.needs.actions import needs
from services.registration.vault.sealing import Vault

Turn = NeedMet | NeedRefused | NeedClosed | NeedReopened


def subscribe(subscriptions: Subscriptions, *, vault: Vault) -> None:
    """Subscribe to events that end or reopen needs, and store which needs are open."""

    @subscriptions.on(NeedMet, NeedRefused, NeedClosed, NeedReopened)
    async def keep_ends(session: AsyncSession, batch: Sequence[Received[Turn]]) -> None:
        in_order = sorted((received.event for received in batch), key=lambda event: event.at)
        newest = {event.need_id: (event.at, isinstance(event, NeedReopened)) for event in in_order}
        await needs.keep_ends(session, newest, vault=vault)
