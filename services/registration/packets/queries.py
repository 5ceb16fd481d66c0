"""Queries of accepted offers and the packets that they open."""

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
from services.registration.packets.tables import PacketAccess
from services.registration.people.tables import Returnee

_FACTS: Final = """
    SELECT r.id, h.version AS household_version, (
        SELECT jsonb_object_agg(m.id, m.told_version) FROM returnee m
        WHERE m.id = r.id OR m.household_id = r.household_id
    )::text AS profiles
    FROM returnee r LEFT JOIN household h ON h.id = r.household_id WHERE r.id = ANY($1::uuid[])
"""


class Facts(NamedTuple):
    """The versions of the data about a person and the members of their household."""

    profiles: Mapping[str, int]
    """The version by returnee."""
    household_version: int | None


async def packet_access(session: AsyncSession, offer_id: UUID, *, actor: Actor) -> PacketAccess:
    """The accepted offer of the caller's organisation.

    Raises PacketNotReady if registration has not received the acceptance, and NotFound if another organisation has
    accepted it or if it is about a need that the caller may not see.
    """
    row = await session.get(PacketAccess, offer_id)
    if row is None:
        # Row-level security hides offers of other organisations. Only the service can see whether the offer belongs to
        # another organisation or its acceptance has not arrived yet.
        async with own_work(session):
            known = await session.get(PacketAccess, offer_id)
        if known is None or _is_of(known, actor):  # the caller's own acceptance has just arrived
            raise PacketNotReady
        raise NotFound
    if not _is_of(row, actor):
        raise NotFound
    return row


def _is_of(row: PacketAccess, actor: Actor) -> bool:
    """Whether it belongs to the caller's organisation, and the caller may see the need."""
    return (
        actor.organization_id is not None
        and row.organization_id == actor.organization_id
        and row.category not in actor.hidden_packets
    )


async def household_members(session: AsyncSession, person: Returnee) -> list[Returnee]:
    """The other members of the person's household who are not erased, in the order in which they were registered."""
    if person.household_id is None:
        return []
    return [member for member in await members_of(session, person.household_id) if member.id != person.id]


async def facts_known(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, Facts]:
    """The versions of the data that registration has now about these people and their households, as they were
    published."""
    rows = await (await raw(session)).fetch(_FACTS, list(returnee_ids))
    return {row["id"]: Facts(json.loads(row["profiles"]), row["household_version"]) for row in rows}
