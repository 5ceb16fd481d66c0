"""Hold a household while its members are decided, and keep who waits for a person's decision."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from services.registration.households.rules import ClaimDecision, ClaimReason, claims_in_doubt
from services.registration.households.schemas import Joining

# Version 0 is told to nobody: its first member makes it version 1. An existing household is only locked.
_HOLD = """
    INSERT INTO household (id, reference_returnee_id, reference_told, expected_size, stay_together, version,
                           organization_id, created_at)
    SELECT id, reference_returnee_id, false, 1, true, 0, organization_id, $4
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS h (id, reference_returnee_id, organization_id)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET version = household.version
"""
_SIZES = """
    SELECT h.id, h.told_size, count(r.id) AS members_count
    FROM household h LEFT JOIN returnee r ON r.household_id = h.id AND r.erased_at IS NULL
    WHERE h.id = ANY($1) GROUP BY h.id
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
    """Lock the households that these people name, and found those that are new; in the order of ids.

    Held until the end of the transaction: who is a member is decided once, whoever else comes at the same time.
    """
    first = {joining.household_id: joining for joining in reversed(joinings)}
    if first:
        columns = zip(
            *((one.household_id, one.returnee_id, one.organization_id) for one in first.values()), strict=True
        )
        await (await raw(session)).execute(_HOLD, *map(list, columns), now(session))


async def doubts(session: AsyncSession, joinings: Sequence[Joining]) -> dict[UUID, ClaimReason]:
    """Who of these people may not belong to the household that they name, and why; the households are held."""
    if not joinings:
        return {}
    groups = by_household(joinings)
    rows = await (await raw(session)).fetch(_SIZES, list(groups))
    found: dict[UUID, ClaimReason] = {}
    for row in rows:
        group = groups[row["id"]]
        reasons = claims_in_doubt(
            [joining.told_size for joining in group], members_count=row["members_count"], told_size=row["told_size"]
        )
        found |= {one.returnee_id: reason for one, reason in zip(group, reasons, strict=True) if reason is not None}
    return found


def by_household(joinings: Sequence[Joining]) -> dict[UUID, list[Joining]]:
    """Who names the same household, in the order in which they came."""
    groups: dict[UUID, list[Joining]] = {}
    for joining in joinings:
        groups.setdefault(joining.household_id, []).append(joining)
    return groups


async def keep_claims(session: AsyncSession, joinings: Sequence[Joining], reasons: Mapping[UUID, ClaimReason]) -> None:
    """Keep who names a household without being its member, until a person decides."""
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
    """It has been decided where these people belong."""
    if returnee_ids:
        connection = await raw(session)
        await connection.execute(_CLOSE, list(returnee_ids), decision.value, now(session), by)
