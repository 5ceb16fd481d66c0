"""Whether a caller's certificates open restricted rows, looked up at the beginning of the transaction of each
request."""

from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.certificates import copies
from libs.certificates.holders import holder_of
from libs.chassis.auth import Caller
from libs.chassis.database import claim, now, own_work, raw
from services.referral.access import said_of
from services.referral.pack.policy import RoutingPolicy


async def look_up_certificates(session: AsyncSession, caller: Caller, *, policy: RoutingPolicy) -> None:
    """Find the certificates of a caller with `restricted:read` who is of no organisation, and open the restricted rows
    if it holds each kind that the pack requires.

    They are valid until the transaction ends: a revocation waits for it.
    """
    caller.certified.clear()
    required = set(policy.certificates.values())
    if not caller.tenant.restricted or caller.organization_id is not None or not required:
        return
    holder = holder_of(caller.client_id, caller.subject, person=caller.person)
    today = now(session).astimezone(ZoneInfo(policy.timezone)).date()
    async with own_work(session):
        found = await copies.valid_kinds(await raw(session), required, holder=holder, organization_id=None, on=today)
    # A row of referral says that it is restricted, and for the access record not of which category. So one kind of
    # several opens nothing.
    if found == required:
        caller.certified.update(found)
        await claim(session, said_of(caller))
