"""Reads the records of referral that another service also has."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.knowing import Known
from libs.events.codes import OwnerReason
from services.referral.kept_apart.queries import records
from services.referral.lifecycles.rules import WITH_PROVIDER, in_sql

_KNOWN = f"""
SELECT 'returnee' AS kind, returnee_id AS id, profile_version AS version,
    CASE WHEN erased_at IS NULL THEN 'known' ELSE 'erased' END AS state, returnee_id AS of FROM journey
UNION ALL
SELECT 'consent', returnee_id, consent_version, '', returnee_id FROM journey
WHERE consent_version > 0 AND erased_at IS NULL
UNION ALL
SELECT 'household', household_id, version, '', reference_returnee_id FROM household
UNION ALL
SELECT 'need', need_id, 0, CASE WHEN status = 'open' THEN 'open' ELSE 'ended' END, returnee_id FROM need
WHERE moved_from IS NULL
UNION ALL
SELECT 'packet', offer.offer_id, 0, '', offer.returnee_id
FROM offer JOIN referral ON referral.offer_id = offer.offer_id
WHERE offer.status = 'accepted' AND referral.status IN {in_sql(WITH_PROVIDER)}
UNION ALL
SELECT 'pair', exclusion_id, 0, 'known', NULL FROM kept_apart
UNION ALL
SELECT 'provider_service', provider_service_id, version, '', organization_id FROM provider_service
UNION ALL
SELECT 'organization', organization_id, version, '', organization_id FROM provider_organization
ORDER BY kind, id
"""  # noqa: S608 (constants)
# Another exclusion, which registration knows, keeps the same two people apart.
_TOLD_ANEW: Final = """
SELECT lost.exclusion_id FROM kept_apart AS lost
JOIN kept_apart AS told USING (first_returnee_id, second_returnee_id)
WHERE lost.exclusion_id = ANY($1::uuid[]) AND told.exclusion_id <> ALL($1::uuid[])
"""
_PEOPLE_OF_PAIRS: Final = """
SELECT DISTINCT unnest(ARRAY[first_returnee_id, second_returnee_id]) AS id FROM kept_apart
WHERE exclusion_id = ANY($1::uuid[])
"""
_OPEN = """
SELECT need_id, returnee_id FROM need WHERE status = 'open' AND owner IS NULL
  AND (returnee_id = ANY($1::uuid[]) OR need_id = ANY($2::uuid[]))
"""
_SETTLED = f"""
SELECT need_id, returnee_id FROM need WHERE status = 'open' AND owner_reason = '{OwnerReason.LOST_AT_REGISTRATION}'
  AND NOT (returnee_id = ANY($1::uuid[]) OR need_id = ANY($2::uuid[]))
"""  # noqa: S608 (a code)


async def known(session: AsyncSession) -> list[Known]:
    """Ids, versions and states of returnees, consents, households, needs, accepted offers, services, organisations and
    pairs of people who must be kept apart. Of a pair nothing says who they are."""
    rows = await (await raw(session)).fetch(_KNOWN)
    return [Known(**dict(row)) for row in rows]


async def told_anew(session: AsyncSession, exclusion_ids: Collection[UUID]) -> set[UUID]:
    """Those of these exclusions whose two people another exclusion keeps apart, which is not one of them."""
    rows = await (await raw(session)).fetch(_TOLD_ANEW, list(exclusion_ids))
    return {row["exclusion_id"] for row in rows}


async def people_of_pairs(session: AsyncSession, exclusion_ids: Collection[UUID]) -> set[UUID]:
    """All records of the people whom these exclusions keep apart."""
    rows = await (await raw(session)).fetch(_PEOPLE_OF_PAIRS, list(exclusion_ids))
    named = {row["id"] for row in rows}
    return set[UUID]().union(*(await records(session, named)).values()) if named else set()


async def open_without_owner(
    session: AsyncSession, returnee_ids: Collection[UUID], need_ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """Open needs without an owner among the needs of these people and these needs, each with its returnee."""
    rows = await (await raw(session)).fetch(_OPEN, list(returnee_ids), list(need_ids))
    return {row["need_id"]: row["returnee_id"] for row in rows}


async def owned_for_nothing(
    session: AsyncSession, returnee_ids: Collection[UUID], need_ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """Needs that a desk owns because registration had lost data that are now complete again, each with its returnee."""
    rows = await (await raw(session)).fetch(_SETTLED, list(returnee_ids), list(need_ids))
    return {row["need_id"]: row["returnee_id"] for row in rows}
