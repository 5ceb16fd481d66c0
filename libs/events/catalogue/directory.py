"""What provider_directory publishes: three compacted topics of whole states, and notices."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.codes import (
    AccessNeed,
    AreaCode,
    Count,
    CountryCode,
    DocumentKind,
    LanguageCode,
    MinuteOfDay,
    NeedCategory,
    PlaceCode,
    PoolKind,
    PublicationStatus,
    ServiceType,
    Sex,
    TimeZoneName,
    Version,
    Years,
)
from libs.events.event import Event
from libs.wire.values import Day, Moment


class Part(BaseModel):
    """A part of a published view: closed, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Opening(Part):
    """One weekly opening: ISO weekday (1 Monday .. 7 Sunday) and minutes after local midnight."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """1 Monday .. 7 Sunday."""
    opens_minute: MinuteOfDay
    """Minutes after local midnight."""
    closes_minute: MinuteOfDay
    """Minutes after local midnight, at most 1440; a shift over midnight is two openings."""


class Eligibility(Part):
    """Whom the service may take. An empty list means: no limit of that kind."""

    minimum_age: Years | None
    """In whole years; an edge of an age band."""
    maximum_age: Years | None
    """In whole years, inclusive; the last year of an age band."""
    sexes: list[Sex]
    """The sexes that it is licensed for."""
    nationalities: list[CountryCode]
    """The nationalities that it takes."""
    households: bool
    """True if it takes people together with their household."""
    unaccompanied_children: bool
    """True only if it is licensed for unaccompanied children."""
    documents_required: list[DocumentKind]
    """What the person must hold first."""


class ProviderServicePublished(Event):
    """The whole routing view of one provider service. Compacted: the newest version is the state."""

    type: ClassVar[str] = "provider-service.published.v1"
    topic: ClassVar[str] = "enlace.directory"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    """The service."""
    organization_id: UUID
    """Whose service it is."""
    version: Version
    """Rises with every change; a consumer ignores a lower one than it has."""
    status: PublicationStatus
    category: NeedCategory
    service_type: ServiceType
    """A code finer than the category, such as `temporary_shelter`; decides what a packet holds."""
    restricted: bool
    """True for services that exist only for holders of a scope of their own and are reached by restricted referral."""
    place: PlaceCode
    """Where it is given: a place code. For a hidden address the coarsest one that is safe."""
    on_site_at: PlaceCode | None
    """The reception place at which it is present, or None."""
    catchment: list[AreaCode]
    """Place or country codes that it serves, for the person's destination or reception place; empty: everywhere."""
    eligibility: Eligibility
    languages: list[LanguageCode]
    """Languages in which it is given."""
    language_must_match: bool
    """True if only a person who speaks one of them can be helped."""
    access: list[AccessNeed]
    """Access needs that the place can meet."""
    openings: list[Opening]
    """Empty: always open."""
    timezone: TimeZoneName
    """In which the openings are meant."""
    accepts_automatically: bool
    """True if an offer counts as accepted at once."""
    max_stay_hours: Count | None
    """The longest stay in hours, or None."""


class PoolDeclared(Part):
    """Places of one kind at one service, as the provider declares them."""

    pool_id: UUID
    """The same pool keeps its id in every declaration."""
    kind: PoolKind
    """Such as `adult_beds`, `child_beds`, `seats`, `slots`."""
    maximum: Count
    """Places that there are."""
    available: Count
    """Places that were free at the as-of time. `accepted_left_out` says whether people who are still to come count."""
    starts_on: Day | None
    """First day, for places with dates."""
    ends_on: Day | None
    """Last day, inclusive."""


class CapacityDeclared(Event):
    """All pools of one provider service, as of when. Compacted: the newest version is the state."""

    type: ClassVar[str] = "capacity.declared.v1"
    topic: ClassVar[str] = "enlace.capacity"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    """The service."""
    organization_id: UUID
    """Whose service it is."""
    version: Version
    """Rises with every declaration; a consumer ignores a lower one than it has."""
    as_of: Moment
    """When the figures were right."""
    pools: list[PoolDeclared]
    """All pools; one that is left out takes nobody any more."""
    accepted_left_out: bool = False
    """True if `available` already leaves out everybody whom the provider had accepted at the as-of time. False: only
    those whose service had begun."""


class Accreditation(Part):
    """A valid licence of an organisation for a category."""

    category: NeedCategory
    valid_until: Day
    """Last day, inclusive."""


class Agreement(Part):
    """A data-sharing agreement of the network with an organisation for a category (domain P24)."""

    category: NeedCategory
    valid_until: Day
    """Last day, inclusive."""


class OrganizationPublished(Event):
    """An organisation's standing in the network. Compacted: the newest version is the state."""

    type: ClassVar[str] = "organization.published.v1"
    topic: ClassVar[str] = "enlace.organizations"
    key_field: ClassVar[str] = "organization_id"

    organization_id: UUID
    """The organisation."""
    version: Version
    """Rises with every change; a consumer ignores a lower one than it has."""
    status: PublicationStatus
    accreditations: list[Accreditation]
    """Licences that were given, also those that have run out."""
    agreements: list[Agreement]
    """Agreements that were signed, also those that have run out."""


class CapacityRefreshRequested(Event):
    """A provider service's capacity figure is old or was proven wrong; it is asked to declare anew."""

    type: ClassVar[str] = "capacity.refresh-requested.v1"
    topic: ClassVar[str] = "enlace.directory-notices"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    """The service whose figures are in doubt."""
    organization_id: UUID
    """Who is asked."""
    category: NeedCategory
    requested_at: Moment
    """When it was asked."""
    restricted: bool = False
    """Whether the service is reached by restricted referral only: then few may know what it is about."""


EVENTS: tuple[type[Event], ...] = (
    ProviderServicePublished,
    CapacityDeclared,
    OrganizationPublished,
    CapacityRefreshRequested,
)
