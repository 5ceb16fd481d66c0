"""Where people of one need would be together with people of another one (pure)."""

from typing import Final, NamedTuple
from uuid import UUID

from libs.events.catalogue.directory import ProviderServicePublished
from libs.taxonomy.model import Taxonomy


class Site(NamedTuple):
    """Where a service is. The directory publishes no addresses, so two services of one organisation in one place count
    as one site, and so do all services that are present at one reception place."""

    provider_service_id: UUID
    organization_id: UUID
    place: str
    on_site_at: str | None

    def is_at(self, other: "Site") -> bool:
        """True if people of the two services may meet."""
        if self.provider_service_id == other.provider_service_id:
            return True
        if self.on_site_at is not None and self.on_site_at == other.on_site_at:
            return True
        return (self.organization_id, self.place) == (other.organization_id, other.place)


class KeptApart(NamedTuple):
    """From whom the people of a need must be kept apart, as far as it matters for their place."""

    sites: frozenset[Site] = frozenset()
    """Where the others are, or are asked for."""
    from_each_other: bool = False
    """True if two of the people of the need must be kept apart."""

    @property
    def is_nothing(self) -> bool:
        """True for nearly all needs."""
        return not self.sites and not self.from_each_other

    def forbids(self, site: Site) -> bool:
        """True if the people must not be at this site together with others, or not together."""
        return self.from_each_other or any(one.is_at(site) for one in self.sites)


NOBODY: Final = KeptApart()


def site_of(view: ProviderServicePublished) -> Site:
    """The site of a service."""
    return Site(view.provider_service_id, view.organization_id, view.place, view.on_site_at)


def people_meet(category: str, kind: str | None, max_stay_hours: int | None, taxonomy: Taxonomy) -> bool:
    """True if the people of a service meet each other: it gives a bed or a journey, or limits the length of a stay."""
    return max_stay_hours is not None or taxonomy.shares_place(category, kind)
