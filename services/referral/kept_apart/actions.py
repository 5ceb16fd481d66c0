"""Stores who must be kept apart. The caller has locked the journeys of both (DESIGN 3)."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.kept_apart import PeopleKeptApart
from services.referral.database import insert_rows
from services.referral.kept_apart.tables import KeptApartRow

_ERASED: Final = "SELECT returnee_id FROM journey WHERE returnee_id = ANY($1::uuid[]) AND erased_at IS NOT NULL"
_END: Final = "DELETE FROM kept_apart WHERE exclusion_id = ANY($1::uuid[])"
_FORGET: Final = """
DELETE FROM kept_apart WHERE first_returnee_id = ANY($1::uuid[]) OR second_returnee_id = ANY($1::uuid[])
"""


async def keep(session: AsyncSession, told: Sequence[PeopleKeptApart]) -> None:
    """Store these pairs, without those of erased people."""
    people = {one for pair in told for one in (pair.first_returnee_id, pair.second_returnee_id)}
    erased = {row["returnee_id"] for row in await (await raw(session)).fetch(_ERASED, list(people))}
    rows = [
        {
            "exclusion_id": pair.exclusion_id,
            "first_returnee_id": pair.first_returnee_id,
            "second_returnee_id": pair.second_returnee_id,
        }
        for pair in {one.exclusion_id: one for one in told}.values()
        if erased.isdisjoint((pair.first_returnee_id, pair.second_returnee_id))
    ]
    await insert_rows(session, KeptApartRow, rows, on_conflict="ON CONFLICT DO NOTHING")


async def end(session: AsyncSession, exclusion_ids: Collection[UUID]) -> None:
    """These exclusions have ended."""
    await (await raw(session)).execute(_END, list(exclusion_ids))


async def forget(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """Delete the pairs of people who are being erased."""
    await (await raw(session)).execute(_FORGET, list(returnee_ids))
