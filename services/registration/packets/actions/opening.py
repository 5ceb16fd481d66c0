"""Whether an accepted offer lets its organisation learn about the person now: the conditions of a packet."""

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from services.registration.consent.queries import who_allow
from services.registration.errors import ConsentMissing, PacketClosed, ReturneeErased
from services.registration.pack import Pack
from services.registration.packets.actions.packets import require_allowed, require_judged
from services.registration.packets.rules import is_closed
from services.registration.packets.tables import PacketAccess
from services.registration.people.queries import lock_unchanged
from services.registration.people.tables import Returnee


async def person_behind(session: AsyncSession, access: PacketAccess, *, pack: Pack) -> Returnee:
    """The person of an accepted offer, who is not changed until the transaction ends.

    Raises PacketClosed, ReturneeErased, PacketHalted, PacketNotReady or ConsentMissing, as a packet does.
    """
    if is_closed(access.closes_at, at=now(session)):
        raise PacketClosed
    person = await session.get(Returnee, access.returnee_id)
    if person is None or person.erased_at is not None:
        raise ReturneeErased
    await lock_unchanged(session, [person.id])
    await require_allowed(session, access, [person], on=pack.reception.day_of(now(session)))
    await require_judged(session, access, [person])
    gate = pack.consents.gate_of(access.category)
    if person.id not in await who_allow(
        session, [person.id], gate=gate, organization_id=access.organization_id, at=now(session)
    ):
        raise ConsentMissing
    return person
