"""Queries for the evaluation of existing offers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.consents.policy import ConsentGate, named_prefix
from libs.events.catalogue.directory import OrganizationPublished, ProviderServicePublished
from libs.events.codes import NeedCategory
from libs.taxonomy.model import Taxonomy
from services.referral.candidates.facts import Service
from services.referral.journeys import queries as journeys
from services.referral.journeys.facts import Household, Journey, Referral
from services.referral.journeys.households import Told, told_together
from services.referral.kept_apart.queries import apart_from
from services.referral.kept_apart.rules import Apart
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, LIVE_OFFER, WITH_PROVIDER, in_sql

# The referrals of these people, and those for the whole of their households.
_UNDER_WAY: Final = f"""
SELECT DISTINCT returnee_id FROM referral
WHERE status IN {in_sql(ASKED_OR_WITH_PROVIDER)}
  AND (returnee_id = ANY($1::uuid[]) OR household_id = ANY(ARRAY(
      SELECT household_id FROM journey WHERE returnee_id = ANY($1) AND household_id IS NOT NULL)))
"""  # noqa: S608 (constants)
_SERVICES: Final = """
SELECT provider_service_id, provider_service.view::text, provider_organization.view::text AS organization
FROM provider_service JOIN provider_organization USING (organization_id)
WHERE provider_service_id = ANY($1::uuid[])
"""
_KINDS: Final = """
SELECT offer_id, array_agg(kind) AS kinds FROM place_hold JOIN pool USING (pool_id)
WHERE offer_id = ANY($1::uuid[]) AND place_hold.status <> 'released' GROUP BY offer_id
"""

# Begins at the service and reads only its present offers, not all offers that it ever had.
_AT_SERVICE: Final = f"""
    SELECT returnee_id FROM offer
    WHERE offer.provider_service_id = at.provider_service_id AND status IN {in_sql(LIVE_OFFER)} {{limit}}
"""  # noqa: S608 (constants)
_SERVED_BY: Final = f"""
    SELECT referral.returnee_id FROM pool
    JOIN place_hold ON place_hold.pool_id = pool.pool_id AND place_hold.status <> 'released'
    JOIN offer ON offer.offer_id = place_hold.offer_id
    JOIN referral ON referral.referral_id = offer.referral_id
    WHERE pool.provider_service_id = at.provider_service_id
      AND referral.status IN {in_sql(WITH_PROVIDER)} AND referral.halted_since IS NULL {{limit}}
"""  # noqa: S608 (constants)
_UNFIT: Final = f"""
SELECT DISTINCT concerned.returnee_id FROM unnest($1::uuid[]) AS at(provider_service_id) CROSS JOIN LATERAL (
    ({_AT_SERVICE.format(limit="LIMIT $2")}) UNION ALL ({_SERVED_BY.format(limit="LIMIT $2")})
) AS concerned LIMIT $2
"""  # noqa: S608 (constants)

_CONSENT_RUN_OUT: Final = f"""
SELECT DISTINCT referral.returnee_id
FROM referral LEFT JOIN household ON household.household_id = referral.household_id
CROSS JOIN LATERAL unnest(coalesce(household.member_ids, ARRAY[referral.returnee_id])) AS together(returnee_id)
JOIN journey ON journey.returnee_id = together.returnee_id
WHERE referral.status IN {in_sql(ASKED_OR_WITH_PROVIDER)} AND referral.halted_since IS NULL
  AND referral.category = ANY($1::text[]) AND journey.erased_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM unnest($1::text[], $2::text[]) AS gate(category, key)
      WHERE gate.category = referral.category AND (journey.consents ->> gate.key)::timestamptz > $3)
  AND NOT EXISTS (
      SELECT 1 FROM unnest($5::text[], $6::text[]) AS gate(category, prefix), offer
      WHERE gate.category = referral.category AND offer.offer_id = referral.offer_id
        AND (journey.consents ->> (gate.prefix || offer.organization_id))::timestamptz > $3)
LIMIT $4
"""  # noqa: S608 (constants)

MARK_CONCERNED: Final = f"""
INSERT INTO journey_to_judge (returnee_id)
SELECT DISTINCT concerned.returnee_id FROM unnest($1::uuid[]) AS at(provider_service_id) CROSS JOIN LATERAL (
    ({_AT_SERVICE.format(limit="")}) UNION ALL ({_SERVED_BY.format(limit="")})
) AS concerned ORDER BY concerned.returnee_id
ON CONFLICT DO NOTHING
"""  # noqa: S608 (constants)


@dataclass(slots=True)
class Circumstances:
    """The present facts about existing offers."""

    journeys: dict[UUID, Journey]
    """The journeys of the reference persons and of all members of their households, as far as they exist."""
    households: dict[UUID, Household] = field(default_factory=dict)
    services: dict[UUID, Service] = field(default_factory=dict)
    kinds: dict[UUID, list[str]] = field(default_factory=dict)
    """By offer: the kinds of the pools with its places."""
    told: dict[UUID, Told] = field(default_factory=dict)
    """By need: what the household has told of the same kind, if it must go to one service."""
    apart: Apart = field(default_factory=Apart)
    """Who must be kept apart from these people, and where they are."""


async def under_way(session: AsyncSession, returnee_ids: Collection[UUID]) -> set[UUID]:
    """Of these people and their households, those with a referral that is offered or accepted."""
    rows = await (await raw(session)).fetch(_UNDER_WAY, list(returnee_ids))
    return {row["returnee_id"] for row in rows}


async def circumstances(
    session: AsyncSession, loaded: Mapping[UUID, Journey], referrals: Iterable[Referral], taxonomy: Taxonomy
) -> Circumstances:
    """The facts for the evaluation of these referrals. Their journeys are locked; as long as they are, the data of the
    household and its members do not change either."""
    asked = list(referrals)
    offers = [offer for one in asked if (offer := loaded[one.returnee_id].offer_of(one)) is not None]
    ids = {loaded[one.returnee_id].household_id for one in asked} | {one.household_id for one in asked}
    households = await journeys.households(session, [one for one in ids if one is not None])
    members = {one for household in households.values() for one in household.member_ids} - loaded.keys()
    others = await journeys.heads(session, members) if members else {}
    known = Circumstances({**others, **loaded}, households)
    known.told = await told_together(session, taxonomy, [one.need_id for one in asked])
    known.apart = await apart_from(session, taxonomy, known.journeys)
    connection = await raw(session)
    for row in await connection.fetch(_SERVICES, [one.provider_service_id for one in offers]):
        view = ProviderServicePublished.model_validate_json(row["view"])
        organization = OrganizationPublished.model_validate_json(row["organization"])
        known.services[row["provider_service_id"]] = Service(view, organization, ())
    rows = await connection.fetch(_KINDS, [one.offer_id for one in offers])
    known.kinds = {row["offer_id"]: row["kinds"] for row in rows}
    return known


async def concerned_by_unfit(session: AsyncSession, provider_service_ids: Collection[UUID], *, limit: int) -> set[UUID]:
    """The people with a waiting offer, or an accepted offer that is not halted, at services that may take nobody
    now."""
    rows = await (await raw(session)).fetch(_UNFIT, list(provider_service_ids), limit)
    return {row["returnee_id"] for row in rows}


async def consent_run_out(
    session: AsyncSession, gates: Sequence[tuple[NeedCategory, ConsentGate]], *, at: datetime, limit: int
) -> set[UUID]:
    """The people with a referral that is offered or accepted, although one of its people has no valid consent for it.

    `gates`: the categories that require a consent, with their gates. A consent for the class is sufficient, and one
    that names the organisation of the offer.
    """
    of_classes = [(category, key) for category, gate in gates for key in gate.keys]
    named = [category for category, _ in gates], [named_prefix(gate.purpose) for _, gate in gates]
    keys = [category for category, _ in of_classes], [key for _, key in of_classes]
    rows = await (await raw(session)).fetch(_CONSENT_RUN_OUT, *keys, at, limit, *named)
    return {row["returnee_id"] for row in rows}
