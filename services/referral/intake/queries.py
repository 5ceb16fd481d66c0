"""Queries for storing what registration publishes."""

from collections.abc import Collection, Iterable
from dataclasses import fields
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.journeys.facts import Need
from services.referral.journeys.queries import need_of

_NEEDS = f"SELECT {', '.join(field.name for field in fields(Need))} FROM need WHERE need_id = ANY($1::uuid[])"  # noqa: S608

_REFERENCES = """
SELECT reference_returnee_id FROM journey JOIN household USING (household_id) WHERE returnee_id = ANY($1::uuid[])
UNION SELECT reference_returnee_id FROM household WHERE household_id = ANY($2::uuid[])
"""


async def needs_by_id(session: AsyncSession, need_ids: Collection[UUID | None]) -> dict[UUID, Need]:
    """The needs among these that are stored."""
    rows = await (await raw(session)).fetch(_NEEDS, [need_id for need_id in need_ids if need_id is not None])
    return {row["need_id"]: need_of(row) for row in rows}


async def moved_needs(session: AsyncSession, returnee_ids: Iterable[UUID]) -> set[tuple[UUID, str, str | None]]:
    """Person, category and kind of open needs that were moved from another record of the same person.

    Registration has these needs under the other record and does not know that they were moved.
    """
    statement = """SELECT returnee_id, category, kind FROM need
        WHERE returnee_id = ANY($1::uuid[]) AND moved_from IS NOT NULL AND status = 'open' AND people_count = 1"""
    rows = await (await raw(session)).fetch(statement, list(returnee_ids))
    return {(row["returnee_id"], row["category"], row["kind"]) for row in rows}


async def references_of(
    session: AsyncSession, returnee_ids: Iterable[UUID], household_ids: Iterable[UUID] = ()
) -> set[UUID]:
    """The reference persons of the households of these returnees, and of these households."""
    rows = await (await raw(session)).fetch(_REFERENCES, list(returnee_ids), list(household_ids))
    return {row["reference_returnee_id"] for row in rows}
