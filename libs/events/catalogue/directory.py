"""What provider_directory publishes: three compacted topics with complete states, and notices."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.codes import (
    AccessNeed,
    AreaCode,
    CertificateKind,
    Count,
    CountryCode,
    DocumentKind,
    HolderDigest,
    LanguageCode,
    NeedCategory,
    NeedKind,
    PlaceCode,
    PoolKind,
    PublicationStatus,
    ServiceType,
    Sex,
    TimeZoneName,
    Version,
    Years,
)
from libs.events.detail_values import DetailCode
from libs.events.event import Event
from libs.wire.values import Day, Moment


class Part(BaseModel):
    """A part of a published view: closed, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


MinuteOfDay = Annotated[int, Field(ge=0, le=1440)]
"""Minutes after local midnight; 1440 is the following midnight."""


class Opening(Part):
    """One weekly opening period: ISO weekday (1 Monday .. 7 Sunday) and minutes after local midnight."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """1 Monday .. 7 Sunday."""
    opens_minute: MinuteOfDay
    """Minutes after local midnight."""
    closes_minute: MinuteOfDay
    """Minutes after local midnight, at most 1440; a period over midnight is two entries."""


class Eligibility(Part):
    """Which people the service may accept. An empty list means that there is no such limit."""

    minimum_age: Years | None
    """In whole years; must be the lower limit of an age band."""
    maximum_age: Years | None
    """In whole years, inclusive; must be the last year of an age band."""
    sexes: list[Sex]
    """The sexes for which it is licensed."""
    nationalities: list[CountryCode]
    """The nationalities that it accepts."""
    households: bool
    """True if it accepts people together with their household."""
    unaccompanied_children: bool
    """True only if it is licensed for unaccompanied children."""
    documents_required: list[DocumentKind]
    """Documents that the person must have first."""


class CoveredDetail(Part):
    """A detail of which the service covers some values only."""

    detail: DetailCode
    """Such as `symptom_group`."""
    values: list[DetailCode]
    """Only needs with one of these values are in its scope."""


class OfferedKind(Part):
    """A kind of need that the service meets, and its scope."""

    kind: NeedKind
    """A kind of the country pack's taxonomy."""
    scope: list[CoveredDetail] = []
    """A detail that is not named is covered with every value."""


class ProviderServicePublished(Event):
    """The complete routing view of one provider service. Compacted: the newest version is the state."""

    type: ClassVar[str] = "provider-service.published.v1"
    topic: ClassVar[str] = "enlace.directory"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    """The service."""
    organization_id: UUID
    """The organisation that offers the service."""
    version: Version
    """Rises with every change. A consumer ignores a version lower than the one that it has."""
    status: PublicationStatus
    category: NeedCategory
    kinds: list[OfferedKind] = []
    """The kinds of need of this category that it meets. Empty: the provider has not said."""
    service_type: ServiceType
    """A code finer than the category, such as `temporary_shelter`; decides what a packet holds."""
    restricted: bool
    """True for services that only callers with a special scope can see, and that get only restricted referrals."""
    place: PlaceCode
    """The place code of the service. For a hidden address, a coarse one that is safe."""
    on_site_at: PlaceCode | None
    """The reception place at which it is present, or None."""
    catchment: list[AreaCode]
    """Place or country codes that it serves, compared with destination and reception place; empty: everywhere."""
    eligibility: Eligibility
    languages: list[LanguageCode]
    """Languages in which it is offered."""
    language_must_match: bool
    """True if it can help only people who speak one of these languages."""
    access: list[AccessNeed]
    """Access needs that the place can meet."""
    openings: list[Opening]
    """Empty: always open."""
    timezone: TimeZoneName
    """The time zone of the opening periods."""
    accepts_automatically: bool
    """True if an offer is accepted automatically."""
    max_stay_hours: Count | None
    """The longest stay in hours, or None."""


class PoolDeclared(Part):
    """Places of one kind at one service, as the provider declares them."""

    pool_id: UUID
    """The same pool keeps its id in every declaration."""
    kind: PoolKind
    """Such as `adult_beds`, `child_beds`, `seats`, `slots`."""
    maximum: Count
    """The total number of places."""
    available: Count
    """Places that were free at `as_of`. `accepted_left_out` says whether accepted people are already subtracted."""
    starts_on: Day | None
    """First day, for places with dates."""
    ends_on: Day | None
    """Last day, inclusive."""


class CapacityDeclared(Event):
    """All pools of one provider service at one time. Compacted: the newest version is the state."""

    type: ClassVar[str] = "capacity.declared.v1"
    topic: ClassVar[str] = "enlace.capacity"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    """The service."""
    organization_id: UUID
    """The organisation that offers the service."""
    version: Version
    """Rises with every declaration. A consumer ignores a version lower than the one that it has."""
    as_of: Moment
    """The time at which the figures were counted."""
    pools: list[PoolDeclared]
    """All pools; a pool that is missing here accepts nobody any more."""
    accepted_left_out: bool = False
    """True if everybody whom the provider had accepted at `as_of` is already subtracted from `available`. False: only
    people whose service had started are subtracted."""


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
    """The status of an organisation in the network. Compacted: the newest version is the state."""

    type: ClassVar[str] = "organization.published.v1"
    topic: ClassVar[str] = "enlace.organizations"
    key_field: ClassVar[str] = "organization_id"

    organization_id: UUID
    """The organisation."""
    version: Version
    """Rises with every change. A consumer ignores a version lower than the one that it has."""
    status: PublicationStatus
    accreditations: list[Accreditation]
    """Licences that were granted, including expired ones."""
    agreements: list[Agreement]
    """Agreements that were signed, including expired ones."""
    acts_for: CountryCode | None = None
    """The foreign state for which it acts, such as a consulate; null: none."""


class CertificatePublished(Event):
    """What a member of staff has been trained for. Compacted: the newest version is the state."""

    type: ClassVar[str] = "certificate.published.v1"
    topic: ClassVar[str] = "enlace.organizations"
    key_field: ClassVar[str] = "certificate_id"

    certificate_id: UUID
    """The certificate."""
    version: Version
    """Rises with every change. A consumer ignores a version lower than the one that it has."""
    kind: CertificateKind
    """What it certifies: a code of the country pack."""
    holder_digest: HolderDigest
    """The SHA-256 of certificate id and holder, by which a service recognises the holder's tokens. It names nobody."""
    organization_id: UUID | None
    """The organisation for which the holder works; null: the network itself."""
    valid_from: Day
    """First day, inclusive."""
    valid_until: Day
    """Last day, inclusive."""
    revoked_at: Moment | None
    """When it was revoked; null: it was not."""


class CapacityRefreshRequested(Event):
    """The capacity of a provider service is out of date or was wrong; the provider is asked to declare it again."""

    type: ClassVar[str] = "capacity.refresh-requested.v1"
    topic: ClassVar[str] = "enlace.directory-notices"
    key_field: ClassVar[str] = "provider_service_id"

    provider_service_id: UUID
    """The service whose figures are doubtful."""
    organization_id: UUID
    """The organisation that is asked."""
    category: NeedCategory
    requested_at: Moment
    """When it was asked."""
    restricted: bool = False
    """True if the service gets only restricted referrals; then only few people may see this notice."""


EVENTS: tuple[type[Event], ...] = (
    ProviderServicePublished,
    CapacityDeclared,
    OrganizationPublished,
    CertificatePublished,
    CapacityRefreshRequested,
)
