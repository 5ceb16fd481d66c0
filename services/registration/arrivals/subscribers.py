"""Receives the events of reception systems and calls the same actions as REST.

The sender of an event is its CloudEvents source; each source has its own references. Events of one batch and its people
arrive in any order.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived
from libs.events.event import Received
from libs.events.subscriptions import Subscriptions
from services.registration.arrivals.actions.batches import announce_batch, land_batch, receive_people
from services.registration.arrivals.schemas import Announcement, Coming, Landing, Sender
from services.registration.audit.rules import Actor, Sight, is_source_of_a_client
from services.registration.pack import Pack
from services.registration.vault.sealing import Vault


class SourceOfAClient(ValueError):  # noqa: N818 (a refusal is not an error)
    """An event claims the source of a client that registers by REST. It is refused, because batches and people of this
    source belong to that client."""

    parked_as: ClassVar[str] = "source-of-a-client"


def subscribe(subscriptions: Subscriptions, *, vault: Vault, pack: Pack) -> None:
    """Subscribe to announcements, landings and arrivals of people."""
    reception = pack.reception

    def sender(received: Received[Any]) -> Sender:
        if is_source_of_a_client(received.source):
            raise SourceOfAClient
        organization_id = reception.organization_of(received.source)
        return Sender(
            source=received.source,
            organization_id=organization_id,
            actor=Actor(
                who=received.source,
                client_id=received.source,
                organization_id=organization_id,
                sight=Sight(restricted_categories=pack.routing.restricted),
            ),
            context=received.traceparent,
        )

    @subscriptions.on(ArrivalBatchAnnounced)
    async def announce_batches(session: AsyncSession, batch: Sequence[Received[ArrivalBatchAnnounced]]) -> None:
        for received in sorted(batch, key=_by_reference):
            announcement = Announcement(received.event, sender(received), told_at=received.time)
            await announce_batch(session, announcement, vault=vault, reception=reception)

    @subscriptions.on(ArrivalBatchLanded)
    async def land_batches(session: AsyncSession, batch: Sequence[Received[ArrivalBatchLanded]]) -> None:
        for received in sorted(batch, key=_by_reference):
            landing = Landing(received.event, sender(received), told_at=received.time)
            await land_batch(session, landing, vault=vault, reception=reception)

    @subscriptions.on(ReturneeArrived)
    async def receive_returnees(session: AsyncSession, batch: Sequence[Received[ReturneeArrived]]) -> None:
        coming = [Coming(received.event, sender(received), set_aside=received.set_aside) for received in batch]
        await receive_people(session, coming, vault=vault, pack=pack)


def _by_reference(received: Received[Any]) -> tuple[str, str]:
    """All transactions lock batches in this order. Sorting is stable, so events of one batch keep their order."""
    return (received.source, received.event.sender_reference)
