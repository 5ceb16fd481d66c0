"""Reads who must be kept apart, and where they are. Run it as the service's own work."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.taxonomy.model import Taxonomy
from services.referral.candidates.sites import Site, people_meet
from services.referral.kept_apart.rules import Apart, Presence, claim_of
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, ReferralStatus, in_sql

_IS_ANYBODY: Final = "SELECT EXISTS (SELECT FROM kept_apart)"
# Pairs stay for years, so those of people with nothing under way are left out. Of merged records all are read: what is
# under way may be that of another record of the person.
_MAY_MEET: Final = f"""
WITH concerned AS (
    SELECT returnee_id AS id FROM referral WHERE status IN {in_sql(ASKED_OR_WITH_PROVIDER)}
    UNION
    SELECT journey.returnee_id FROM kept_apart
    JOIN journey ON journey.returnee_id IN (first_returnee_id, second_returnee_id)
    WHERE journey.household_id IN (
        SELECT household_id FROM referral WHERE status IN {in_sql(ASKED_OR_WITH_PROVIDER)}
    )
    UNION
    SELECT unnest(ARRAY[returnee_id, merged_into]) FROM journey WHERE merged_into IS NOT NULL
)
SELECT unnest(ARRAY[first_returnee_id, second_returnee_id]) AS id FROM kept_apart
WHERE first_returnee_id IN (SELECT id FROM concerned) AND second_returnee_id IN (SELECT id FROM concerned)
"""  # noqa: S608 (constants)
_PAIRS: Final = """
SELECT first_returnee_id, second_returnee_id FROM kept_apart
WHERE first_returnee_id = ANY($1::uuid[]) OR second_returnee_id = ANY($1::uuid[])
"""
# In both directions along the merges. `UNION` leaves out what was found before, so a circle ends too.
_RECORDS: Final = """
WITH RECURSIVE same AS (
    SELECT asked.id AS asked, asked.id FROM unnest($1::uuid[]) AS asked (id)
    UNION
    SELECT same.asked, next.id FROM same CROSS JOIN LATERAL (
        SELECT merged_into AS id FROM journey WHERE returnee_id = same.id AND merged_into IS NOT NULL
        UNION ALL SELECT returnee_id FROM journey WHERE merged_into = same.id
    ) AS next
)
SELECT asked, id FROM same
"""
_PRESENCES: Final = f"""
SELECT person.id, offer.offer_id, offer.provider_service_id, offer.organization_id, offer.category,
    coalesce(offer.offered_kind, offer.kind) AS kind, offer.max_stay_hours, offer.made_at, referral.status,
    coalesce(view->>'place', '') AS place, view->>'on_site_at' AS on_site_at
FROM unnest($1::uuid[]) AS person (id)
CROSS JOIN LATERAL (
    SELECT referral_id, status, offer_id FROM referral WHERE returnee_id = person.id
    UNION
    SELECT referral_id, status, offer_id FROM referral
    WHERE household_id = (SELECT household_id FROM journey WHERE returnee_id = person.id)
) AS referral
JOIN offer ON offer.offer_id = referral.offer_id
LEFT JOIN provider_service ON provider_service.provider_service_id = offer.provider_service_id
WHERE referral.status IN {in_sql(ASKED_OR_WITH_PROVIDER)}
"""  # noqa: S608 (constants)


async def records(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Of each of these records: all records of the person, itself included."""
    found: dict[UUID, set[UUID]] = {}
    for row in await (await raw(session)).fetch(_RECORDS, list(returnee_ids)):
        found.setdefault(row["asked"], set()).add(row["id"])
    return {one: frozenset(ids) for one, ids in found.items()}


async def kept_apart(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Of those of these people who must be kept apart from somebody: all records of the others."""
    connection = await raw(session)
    if not returnee_ids or not await connection.fetchval(_IS_ANYBODY):
        return {}
    ours = await records(session, returnee_ids)
    pairs = await connection.fetch(_PAIRS, list(frozenset().union(*ours.values())))
    if not pairs:
        return {}
    known = await records(session, {one for pair in pairs for one in pair})
    apart: dict[UUID, set[UUID]] = {}
    for one, other in pairs:
        apart.setdefault(one, set()).update(known[other])
        apart.setdefault(other, set()).update(known[one])
    found = {one: frozenset[UUID]().union(*(apart.get(mine, ()) for mine in ids)) for one, ids in ours.items()}
    return {one: others for one, others in found.items() if others}


async def apart_from(session: AsyncSession, taxonomy: Taxonomy, returnee_ids: Collection[UUID]) -> Apart:
    """Who must be kept apart from these people, and where they are or are asked for."""
    by_person = await kept_apart(session, returnee_ids)
    found = Apart(by_person)
    if not by_person:
        return found
    others = frozenset[UUID]().union(*by_person.values())
    for row in await (await raw(session)).fetch(_PRESENCES, list(others)):
        if people_meet(row["category"], row["kind"], row["max_stay_hours"], taxonomy):
            site = Site(row["provider_service_id"], row["organization_id"], row["place"], row["on_site_at"])
            claim = claim_of(ReferralStatus(row["status"]), row["made_at"], row["offer_id"])
            found.presences.setdefault(row["id"], []).append(Presence(site, claim))
    return found


async def meeting(session: AsyncSession, taxonomy: Taxonomy) -> set[UUID]:
    """All people who are, or are asked for, where somebody is from whom they must be kept apart."""
    connection = await raw(session)
    if not await connection.fetchval(_IS_ANYBODY):
        return set()
    told = {row["id"] for row in await connection.fetch(_MAY_MEET)}
    everybody = frozenset[UUID]().union(*(await records(session, told)).values()) if told else frozenset()
    return (await apart_from(session, taxonomy, everybody)).meeting()
