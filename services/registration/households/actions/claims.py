"""The locks of households, and claims of people who name a household without being its members."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from services.registration.households.rules import ClaimDecision, ClaimReason
from services.registration.households.schemas import Joining

# Version 0 is not published: its first member makes it version 1. An existing household is only locked.
_HOLD = """
    INSERT INTO household (id, reference_returnee_id, reference_told, expected_size, stay_together, version,
                           organization_id, created_at)
    SELECT id, reference_returnee_id, false, 1, true, 0, organization_id, $4
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS h (id, reference_returnee_id, organization_id)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET version = household.version
"""
_CLAIM = """
    INSERT INTO household_claim (id, household_id, returnee_id, reason, told_size, claimed_at)
    SELECT *, $6 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[])
    ON CONFLICT (returnee_id) WHERE decided_at IS NULL DO NOTHING
"""
_CLOSE = """
    UPDATE household_claim SET decision = $2, decided_at = $3, decided_by = $4
    WHERE returnee_id = ANY($1) AND decided_at IS NULL
"""


async def hold_households(session: AsyncSession, joinings: Sequence[Joining]) -> None:
    """Lock the households that these people name, and create the new ones, in the order of their ids.

    The lock lasts until the end of the transaction, so that only one transaction at a time decides who the members are.
    """
    first = {joining.household_id: joining for joining in reversed(joinings)}
    if first:
        columns = zip(
            *((one.household_id, one.returnee_id, one.organization_id) for one in first.values()), strict=True
        )
        await (await raw(session)).execute(_HOLD, *map(list, columns), now(session))


async def keep_claims(session: AsyncSession, joinings: Sequence[Joining], reasons: Mapping[UUID, ClaimReason]) -> None:
    """Store the claims of people who name a household without being its members, until staff decide."""
    rows = [
        (uuid7(), one.household_id, one.returnee_id, reasons[one.returnee_id].value, one.told_size)
        for one in joinings
        if one.returnee_id in reasons
    ]
    if rows:
        await (await raw(session)).execute(_CLAIM, *map(list, zip(*rows, strict=True)), now(session))


async def close_claims(
    session: AsyncSession, returnee_ids: Collection[UUID], decision: ClaimDecision, *, by: str
) -> None:
    """Close the open claims of these people with this decision."""
    if returnee_ids:
        connection = await raw(session)
        await connection.execute(_CLOSE, list(returnee_ids), decision.value, now(session), by)
