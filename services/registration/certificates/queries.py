"""Whether somebody holds a certificate."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.certificates import copies
from libs.chassis.database import own_work, raw
from services.registration.audit.rules import Actor


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
        return await copies.valid_kinds(
            await raw(session), kinds, holder=holder, organization_id=organization_id, on=on
        )
