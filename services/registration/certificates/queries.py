"""Whether somebody holds a certificate."""

import hmac
from datetime import date
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.certificates.holders import holder_digest
from libs.chassis.database import own_work, raw
from services.registration.audit.rules import Actor

# A revocation that is being written waits until this transaction ends: the act was allowed when it was done.
_VALID: Final = """
    SELECT certificate_id, holder_digest FROM certificate
    WHERE kind = $1 AND organization_id IS NOT DISTINCT FROM $2 AND revoked_at IS NULL
        AND valid_from <= $3 AND valid_until >= $3
    ORDER BY certificate_id FOR SHARE
"""


async def is_certified(session: AsyncSession, actor: Actor, kind: str, *, on: date) -> bool:
    """Whether the actor is a person who holds a certificate of this kind that is valid on this day, for the
    organisation of the token. A program is nobody who can be trained."""
    if not actor.person:
        return False
    async with own_work(session):
        rows = await (await raw(session)).fetch(_VALID, kind, actor.organization_id, on)
    return any(
        hmac.compare_digest(holder_digest(row["certificate_id"], actor.who), row["holder_digest"]) for row in rows
    )
