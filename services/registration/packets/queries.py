"""Which accepted offer may open a packet."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from services.registration.audit.rules import Actor
from services.registration.errors import PacketNotReady
from services.registration.households.queries import members_of
from services.registration.packets.tables import PacketAccess
from services.registration.people.tables import Returnee


async def packet_access(session: AsyncSession, offer_id: UUID, *, actor: Actor) -> PacketAccess:
    """The accepted offer, if it is the caller's: PacketNotReady when registration has not heard of it, NotFound when
    another organisation has accepted it, or when it is about a need that does not exist for the caller."""
    row = await session.get(PacketAccess, offer_id)
    if row is None:
        raise PacketNotReady
    if actor.organization_id is None or row.organization_id != actor.organization_id:
        raise NotFound
    if row.category in actor.hidden_categories(actor.organization_id):
        raise NotFound
    return row


async def household_members(session: AsyncSession, person: Returnee) -> list[Returnee]:
    """The other members of the person's household who are not erased, in the order in which they were registered."""
    if person.household_id is None:
        return []
    return [member for member in await members_of(session, person.household_id) if member.id != person.id]
