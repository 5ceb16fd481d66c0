"""The directory for the router: the services that a round may need, found by what they give and where."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.directory import OrganizationPublished, ProviderServicePublished
from services.referral.candidates.facts import may_work
from services.referral.clocks.rules import Hours
from services.referral.providers.rules import hours_of

_WITHIN: Final = "SELECT provider_service_id, organization_id, revision, reach FROM services_within($1::text[])"
_BY_ID: Final = """
SELECT provider_service_id, organization_id, revision, reach FROM provider_service
WHERE provider_service_id = ANY($1::uuid[])
"""
_SERVICES: Final = """
SELECT provider_service_id AS id, revision, view::text FROM provider_service
WHERE provider_service_id = ANY($1::uuid[])
"""
_ORGANIZATIONS: Final = """
SELECT organization_id AS id, revision, CASE WHEN revision <> known.revision_known THEN view::text END AS view
FROM provider_organization JOIN unnest($1::uuid[], $2::bigint[]) AS known(organization_id, revision_known)
    USING (organization_id)
"""
_STANDING: Final = """
SELECT provider_service_id, organization_id, category, status, view->>'timezone' AS timezone FROM provider_service
"""
# From one place to the next along the index, so that the cost depends on the number of places.
_PLACES: Final = """
WITH RECURSIVE walked AS (
    (SELECT place FROM provider_service ORDER BY place LIMIT 1)
    UNION ALL
    SELECT (SELECT place FROM provider_service WHERE place > walked.place ORDER BY place LIMIT 1)
    FROM walked WHERE walked.place IS NOT NULL
) SELECT place FROM walked WHERE place IS NOT NULL
"""
_ORGANIZATIONS_CHANGED: Final = "SELECT coalesce(sum(revision), 0)::bigint FROM provider_organization"
_CONFLICTS = "SELECT returnee_id, organization_id FROM conflict_of_interest WHERE returnee_id = ANY($1::uuid[])"
VIEWS_MAX: Final = 20_000
"""How many views of services are kept in memory. If there are more, all are read again."""


@dataclass(slots=True)
class Views:
    """The views of services and organisations that were read before, each with its revision."""

    services: dict[UUID, tuple[int, ProviderServicePublished]] = field(default_factory=dict)
    organizations: dict[UUID, tuple[int, OrganizationPublished]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """A published service with its organisation, and the tokens by which it is found."""

    view: ProviderServicePublished
    organization: OrganizationPublished
    reach: frozenset[str]


async def within(session: AsyncSession, known: Views, tokens: Collection[str]) -> list[Listed]:
    """The services with one of these tokens (`rules.reach_of`), without those whose organisation is not known. The cost
    depends on their number, and not on the size of the directory."""
    return await _listed(session, known, await (await raw(session)).fetch(_WITHIN, sorted(tokens)))


async def listed(session: AsyncSession, known: Views, provider_service_ids: Collection[UUID]) -> list[Listed]:
    """These services, without those whose organisation is not known."""
    return await _listed(session, known, await (await raw(session)).fetch(_BY_ID, list(provider_service_ids)))


async def _listed(session: AsyncSession, known: Views, rows: Sequence[Mapping[str, Any]]) -> list[Listed]:
    connection = await raw(session)
    if len(known.services) > VIEWS_MAX:
        known.services.clear()
    new = [
        row["provider_service_id"]
        for row in rows
        if known.services.get(row["provider_service_id"], (0, None))[0] != row["revision"]
    ]
    for row in await connection.fetch(_SERVICES, new) if new else ():
        known.services[row["id"]] = row["revision"], ProviderServicePublished.model_validate_json(row["view"])
    standing = await _organizations(session, known, {row["organization_id"] for row in rows})
    return [
        Listed(known.services[row["provider_service_id"]][1], standing[row["organization_id"]], frozenset(row["reach"]))
        for row in rows
        if row["organization_id"] in standing and row["provider_service_id"] in known.services
    ]


async def _organizations(
    session: AsyncSession, known: Views, organization_ids: Collection[UUID]
) -> dict[UUID, OrganizationPublished]:
    ids = sorted(organization_ids)
    revisions = [known.organizations[one][0] if one in known.organizations else 0 for one in ids]
    found = {}
    for row in await (await raw(session)).fetch(_ORGANIZATIONS, ids, revisions):
        if row["view"] is not None:
            known.organizations[row["id"]] = row["revision"], OrganizationPublished.model_validate_json(row["view"])
        found[row["id"]] = known.organizations[row["id"]][1]
    return found


async def counts(session: AsyncSession, categories: Collection[str]) -> dict[str, int]:
    """How many services each of these categories has. Counting stops at a thousand."""
    statement = "SELECT category, services FROM services_counted($1::text[])"
    rows = await (await raw(session)).fetch(statement, sorted(categories))
    return {row["category"]: row["services"] for row in rows}


async def exist(session: AsyncSession, tokens: Collection[str]) -> set[str]:
    """Those of these tokens that a service has."""
    rows = await (await raw(session)).fetch("SELECT token FROM tokens_known($1::text[])", sorted(tokens))
    return {row["token"] for row in rows}


async def places(session: AsyncSession) -> list[str]:
    """The places of all services."""
    return [row["place"] for row in await (await raw(session)).fetch(_PLACES)]


async def unfit(session: AsyncSession, at: datetime) -> list[UUID]:
    """Services that may take nobody now: not active, or without a valid licence or agreement."""
    rows = await (await raw(session)).fetch(_STANDING)
    standing_of = await _organizations(session, Views(), {row["organization_id"] for row in rows})
    return [
        row["provider_service_id"]
        for row in rows
        if row["organization_id"] not in standing_of
        or not may_work(
            standing_of[row["organization_id"]],
            category=row["category"],
            status=row["status"],
            today=at.astimezone(ZoneInfo(row["timezone"])).date(),
        )
    ]


async def organizations_changed(session: AsyncSession) -> int:
    """A number that grows whenever an organisation changes."""
    found: int = await (await raw(session)).fetchval(_ORGANIZATIONS_CHANGED)
    return found


async def hours(session: AsyncSession, provider_service_ids: Collection[UUID]) -> dict[UUID, Hours]:
    """The opening hours of these services."""
    rows = await (await raw(session)).fetch(
        "SELECT view::text FROM provider_service WHERE provider_service_id = ANY($1::uuid[])",
        sorted(provider_service_ids),
    )
    views = [ProviderServicePublished.model_validate_json(row["view"]) for row in rows]
    return {view.provider_service_id: hours_of(view) for view in views}


async def no_longer_offered(session: AsyncSession, provider_service_ids: Collection[UUID]) -> set[UUID]:
    """Those of these services that their providers no longer offer and that were not published again since then."""
    rows = await (await raw(session)).fetch(
        "SELECT provider_service_id FROM no_longer_offered JOIN provider_service USING (provider_service_id)"
        " WHERE provider_service_id = ANY($1::uuid[]) AND provider_service.version <= no_longer_offered.version",
        list(provider_service_ids),
    )
    return {row["provider_service_id"] for row in rows}


async def conflicts_of(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """By returnee: the organisations that declared a conflict of interest. Returnees without any are left out."""
    conflicts: dict[UUID, set[UUID]] = {}
    for row in await (await raw(session)).fetch(_CONFLICTS, list(returnee_ids)):
        conflicts.setdefault(row["returnee_id"], set()).add(row["organization_id"])
    return conflicts
