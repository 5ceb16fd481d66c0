"""Reads the records of referral that another service also has."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.knowing import Known
from libs.events.codes import OwnerReason
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
SELECT 'provider_service', provider_service_id, version, '', organization_id FROM provider_service
UNION ALL
SELECT 'organization', organization_id, version, '', organization_id FROM provider_organization
ORDER BY kind, id
"""  # noqa: S608 (constants)
_OPEN = """
SELECT need_id, returnee_id FROM need WHERE status = 'open' AND owner IS NULL
  AND (returnee_id = ANY($1::uuid[]) OR need_id = ANY($2::uuid[]))
"""
_SETTLED = f"""
SELECT need_id, returnee_id FROM need WHERE status = 'open' AND owner_reason = '{OwnerReason.LOST_AT_REGISTRATION}'
  AND NOT (returnee_id = ANY($1::uuid[]) OR need_id = ANY($2::uuid[]))
"""  # noqa: S608 (a code)


async def known(session: AsyncSession) -> list[Known]:
    """Ids, versions and states of returnees, consents, households, needs, accepted offers, services, organisations."""
    rows = await (await raw(session)).fetch(_KNOWN)
    return [Known(**dict(row)) for row in rows]


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
