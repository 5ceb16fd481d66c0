"""What provider_directory publishes: three compacted topics of whole states, and notices."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.events.codes import AccessNeed, DocumentKind, NeedCategory, PublicationStatus, Sex
from libs.events.event import Event


class Part(BaseModel):
    """A part of a published view: closed, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Opening(Part):
    """One weekly opening: ISO weekday (1 Monday .. 7 Sunday) and minutes after local midnight."""

    weekday: int
    opens_minute: int
    closes_minute: int
    """At most 1440; a shift over midnight is two openings."""


class Eligibility(Part):
    """Whom the service may take. An empty list means: no limit of that kind."""

    minimum_age: int | None
    """In whole years; an edge of an age band."""
    maximum_age: int | None
    """In whole years, inclusive; the last year of an age band."""
    sexes: list[Sex]
    nationalities: list[str]
    households: bool
    """True if it takes people together with their household."""
    unaccompanied_children: bool
    """True only if it is licensed for unaccompanied children."""
    documents_required: list[DocumentKind]


class ProviderServicePublished(Event):
    """The whole routing view of one provider service. Compacted: the newest version is the state."""

    type: ClassVar[str] = "provider-service.published.v1"
    topic: ClassVar[str] = "enlace.directory"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    organization_id: UUID
    version: int
    status: PublicationStatus
    category: NeedCategory
    service_type: str
    """A code finer than the category, such as `temporary_shelter`; decides what a packet holds."""
    restricted: bool
    """True for services that exist only for holders of a scope of their own and are reached by restricted referral."""
    place: str
    """Where it is given: a place code. For a hidden address the coarsest one that is safe."""
    on_site_at: str | None
    """The reception place at which it is present, or None."""
    catchment: list[str]
    """Place codes that it serves; empty: everywhere. Matched against the person's destination or reception place."""
    eligibility: Eligibility
    languages: list[str]
    language_must_match: bool
    access: list[AccessNeed]
    """Access needs that the place can meet."""
    openings: list[Opening]
    """Empty: always open."""
    timezone: str
    accepts_automatically: bool
    max_stay_hours: int | None


class PoolDeclared(Part):
    """Places of one kind at one service, as the provider declares them."""

    pool_id: UUID
    kind: str
    """Such as `adult_beds`, `child_beds`, `seats`, `slots`."""
    maximum: int
    available: int
    starts_on: date | None
    ends_on: date | None


class CapacityDeclared(Event):
    """All pools of one provider service, as of when. Compacted: the newest version is the state."""

    type: ClassVar[str] = "capacity.declared.v1"
    topic: ClassVar[str] = "enlace.capacity"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    organization_id: UUID
    version: int
    as_of: datetime
    pools: list[PoolDeclared]


class Accreditation(Part):
    """A valid licence of an organisation for a category."""

    category: NeedCategory
    valid_until: date


class Agreement(Part):
    """A data-sharing agreement of the network with an organisation for a category (domain P24)."""

    category: NeedCategory
    valid_until: date


class OrganizationPublished(Event):
    """An organisation's standing in the network. Compacted: the newest version is the state."""

    type: ClassVar[str] = "organization.published.v1"
    topic: ClassVar[str] = "enlace.organizations"
    key_field: ClassVar[str] = "organization_id"

    organization_id: UUID
    version: int
    status: PublicationStatus
    accreditations: list[Accreditation]
    agreements: list[Agreement]


class CapacityRefreshRequested(Event):
    """A provider service's capacity figure is old or was proven wrong; it is asked to declare anew."""

    type: ClassVar[str] = "capacity.refresh-requested.v1"
    topic: ClassVar[str] = "enlace.directory-notices"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    organization_id: UUID
    category: NeedCategory
    requested_at: datetime


EVENTS: tuple[type[Event], ...] = (
    ProviderServicePublished,
    CapacityDeclared,
    OrganizationPublished,
    CapacityRefreshRequested,
)
