"""Which accepted offer may open a packet."""

import json
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound
from services.registration.audit.rules import Actor
from services.registration.errors import PacketNotReady
from services.registration.households.queries import members_of
from services.registration.packets.tables import PacketAccess, ProviderStanding
from services.registration.people.tables import Returnee

_FACTS: Final = """
    SELECT r.id, h.version AS household_version, (
        SELECT jsonb_object_agg(m.id, m.told_version) FROM returnee m
        WHERE m.id = r.id OR m.household_id = r.household_id
    )::text AS profiles
    FROM returnee r LEFT JOIN household h ON h.id = r.household_id WHERE r.id = ANY($1::uuid[])
"""


class Facts(NamedTuple):
    """Versions of what is known of a person and of those with them."""

    profiles: Mapping[str, int]
    """By returnee."""
    household_version: int | None


async def packet_access(session: AsyncSession, offer_id: UUID, *, actor: Actor) -> PacketAccess:
    """The accepted offer, if it is the caller's: PacketNotReady when registration has not heard of it, NotFound when
    another organisation has accepted it, or when it is about a need that does not exist for the caller."""
    row = await session.get(PacketAccess, offer_id)
    if row is None:
        # The wall hides another organisation's: only the service knows whether it is that or not heard of yet.
        async with own_work(session):
            known = await session.get(PacketAccess, offer_id)
        if known is None or _is_of(known, actor):  # the caller's own has been heard of in between
            raise PacketNotReady
        raise NotFound
    if not _is_of(row, actor):
        raise NotFound
    return row


def _is_of(row: PacketAccess, actor: Actor) -> bool:
    """Whether it is the caller's, and about a need that exists for it."""
    hidden = actor.hidden_categories(actor.organization_id)
    return (
        actor.organization_id is not None
        and row.organization_id == actor.organization_id
        and row.category not in hidden
    )


async def household_members(session: AsyncSession, person: Returnee) -> list[Returnee]:
    """The other members of the person's household who are not erased, in the order in which they were registered."""
    if person.household_id is None:
        return []
    return [member for member in await members_of(session, person.household_id) if member.id != person.id]


async def facts_known(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, Facts]:
    """What registration knows now of these people and their households, by the versions under which it was told."""
    rows = await (await raw(session)).fetch(_FACTS, list(returnee_ids))
    return {row["id"]: Facts(json.loads(row["profiles"]), row["household_version"]) for row in rows}


async def standing_of(session: AsyncSession, organization_id: UUID) -> ProviderStanding | None:
    """The organisation as last published, or None where nothing has been heard of it yet."""
    return await session.get(ProviderStanding, organization_id)
