"""Whether somebody holds a certificate."""

import hmac
from collections.abc import Collection
from datetime import date
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.certificates.holders import holder_digest
from libs.chassis.database import own_work, raw
from services.registration.audit.rules import Actor

_VALID: Final = "revoked_at IS NULL AND valid_from <= $2 AND valid_until >= $2"
_FIND: Final = f"""
    SELECT certificate_id, holder_digest FROM certificate
    WHERE kind = ANY($1) AND organization_id IS NOT DISTINCT FROM $3 AND {_VALID}
"""  # noqa: S608 (constants)
# A revocation that is being written waits until this transaction ends: the act was allowed when it was done.
_HOLD: Final = f"""
    SELECT kind FROM certificate WHERE certificate_id = ANY($1) AND {_VALID} ORDER BY certificate_id FOR SHARE
"""  # noqa: S608 (constants)


async def is_certified(session: AsyncSession, actor: Actor, kind: str, *, on: date) -> bool:
    """Whether the actor is a person who holds a certificate of this kind that is valid on this day, for the
    organisation of the token. A program is nobody who can be trained."""
    if not actor.person:
        return False
    held = await valid_kinds(session, [kind], holder=actor.who, organization_id=actor.organization_id, on=on)
    return kind in held


async def valid_kinds(
    session: AsyncSession, kinds: Collection[str], *, holder: str, organization_id: UUID | None, on: date
) -> set[str]:
    """Those of these kinds of which the holder has a certificate that is valid on this day, for this organisation."""
    async with own_work(session):
        connection = await raw(session)
        rows = await connection.fetch(_FIND, list(kinds), on, organization_id)
        own = [
            row["certificate_id"]
            for row in rows
            if hmac.compare_digest(holder_digest(row["certificate_id"], holder), row["holder_digest"])
        ]
        held = await connection.fetch(_HOLD, own, on) if own else []
    return {row["kind"] for row in held}
