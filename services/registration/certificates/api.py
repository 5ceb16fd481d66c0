"""What a caller's certificates open, looked up at the beginning of the transaction of each request."""

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.certificates.holders import holder_of
from libs.chassis.auth import Caller
from libs.chassis.database import claim, now
from services.registration.audit.api import said_of
from services.registration.certificates.queries import valid_kinds
from services.registration.pack import Pack


async def look_up_certificates(session: AsyncSession, caller: Caller, *, pack: Pack) -> None:
    """Find the certificates for restricted needs that a caller with `restricted:read` holds now, and open the rows.

    They are valid until the transaction ends: a revocation waits for it.
    """
    caller.certified.clear()
    required = pack.routing.certificates
    if not caller.tenant.restricted or not required:
        return
    holder = holder_of(caller.client_id, caller.subject, person=caller.person)
    today = pack.reception.day_of(now(session))
    kinds = sorted(set(required.values()))
    found = await valid_kinds(session, kinds, holder=holder, organization_id=caller.organization_id, on=today)
    caller.certified.update(found)
    await claim(session, said_of(caller, pack=pack))
