"""The directory for the router. It is kept in memory and read again when anything has changed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.directory import OrganizationPublished, ProviderServicePublished
from services.referral.candidates.facts import Service
from services.referral.candidates.rules import standing
from services.referral.clocks.rules import Hours
from services.referral.providers.rules import hours_of

_VERSION = """
SELECT (SELECT coalesce(sum(revision), 0) FROM provider_service)::bigint AS services,
       (SELECT coalesce(sum(revision), 0) FROM provider_organization)::bigint AS organizations
"""
_CONFLICTS = "SELECT returnee_id, organization_id FROM conflict_of_interest WHERE returnee_id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True)
class Directory:
    """All services and organisations at one version. It is never changed, only replaced."""

    version: tuple[int, int] = (-1, -1)
    services: Mapping[UUID, ProviderServicePublished] = field(default_factory=dict)
    organizations: Mapping[UUID, OrganizationPublished] = field(default_factory=dict)

    def unfit(self, at: datetime) -> list[UUID]:
        """Services that may take nobody now: not active, or without a valid licence or agreement."""
        return [key for key, view in self.services.items() if self._is_unfit(view, at)]

    def _is_unfit(self, view: ProviderServicePublished, at: datetime) -> bool:
        organization = self.organizations.get(view.organization_id)
        return organization is None or bool(standing(Service(view, organization, ()), at))


async def refreshed(session: AsyncSession, known: Directory) -> Directory:
    """`known` if nothing has changed since then, otherwise the present directory."""
    connection = await raw(session)
    row = await connection.fetchrow(_VERSION)
    assert row is not None
    version = (row["services"], row["organizations"])
    if version == known.version:
        return known
    # The version is read before the rows. A change in between is then read twice, and never missed.
    services = await connection.fetch("SELECT view::text FROM provider_service")
    organizations = await connection.fetch("SELECT view::text FROM provider_organization")
    views = [ProviderServicePublished.model_validate_json(service["view"]) for service in services]
    standings = [OrganizationPublished.model_validate_json(organization["view"]) for organization in organizations]
    return Directory(
        version=version,
        services={view.provider_service_id: view for view in views},
        organizations={standing.organization_id: standing for standing in standings},
    )


async def hours(session: AsyncSession, provider_service_ids: Collection[UUID]) -> dict[UUID, Hours]:
    """The opening hours of these services."""
    rows = await (await raw(session)).fetch(
        "SELECT view::text FROM provider_service WHERE provider_service_id = ANY($1::uuid[])",
        sorted(provider_service_ids),
    )
    views = [ProviderServicePublished.model_validate_json(row["view"]) for row in rows]
    return {view.provider_service_id: hours_of(view) for view in views}


async def no_longer_offered(session: AsyncSession) -> set[UUID]:
    """Services that their providers no longer offer and that were not published again since then."""
    rows = await (await raw(session)).fetch(
        "SELECT provider_service_id FROM no_longer_offered JOIN provider_service USING (provider_service_id)"
        " WHERE provider_service.version <= no_longer_offered.version"
    )
    return {row["provider_service_id"] for row in rows}


async def conflicts_of(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """By returnee: the organisations that declared a conflict of interest. Returnees without any are left out."""
    conflicts: dict[UUID, set[UUID]] = {}
    for row in await (await raw(session)).fetch(_CONFLICTS, list(returnee_ids)):
        conflicts.setdefault(row["returnee_id"], set()).add(row["organization_id"])
    return conflicts
