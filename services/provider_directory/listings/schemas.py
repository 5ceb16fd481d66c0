"""Bodies and views of services and locations, and the routing view that follows from both."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from libs.events.catalogue.directory import Eligibility, OfferedKind, Opening, ProviderServicePublished
from libs.events.codes import (
    AccessNeed,
    AreaCode,
    CountryCode,
    DocumentKind,
    LanguageCode,
    NeedCategory,
    NeedKind,
    PlaceCode,
    PublicationStatus,
    Sex,
)
from libs.events.detail_values import DetailCode
from libs.wire.values import Flag, Whole
from services.provider_directory.listings import rules
from services.provider_directory.listings.rules import LocationType
from services.provider_directory.organizations.schemas import Body, LongText, Name

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]


def _time_zone(name: str) -> str:
    if not rules.is_time_zone(name):
        raise PydanticCustomError("time-zone", "must be a name of the IANA time zone database")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_time_zone)]


class OpeningBody(Body):
    """One weekly opening period in local time. A period over midnight is two entries."""

    weekday: Whole = Field(ge=1, le=7)
    """ISO weekday, 1 Monday to 7 Sunday."""
    opens_minute: Whole = Field(ge=0, lt=rules.MINUTES_OF_DAY)
    closes_minute: Whole = Field(gt=0, le=rules.MINUTES_OF_DAY)

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if not rules.is_forward(opens_minute=self.opens_minute, closes_minute=self.closes_minute):
            raise PydanticCustomError("closes-after-opening", "must close after it opens, on the same day")
        return self


def _without_overlap(openings: list[OpeningBody]) -> list[OpeningBody]:
    times = sorted((item.weekday, item.opens_minute, item.closes_minute) for item in openings)
    if rules.openings_overlap(times):
        raise PydanticCustomError("openings-overlap", "must not contain two opening periods that overlap")
    return sorted(openings, key=lambda item: (item.weekday, item.opens_minute))


Openings = Annotated[list[OpeningBody], Field(max_length=100), AfterValidator(_without_overlap)]


class EligibilityBody(Body):
    """Which people the service may accept. An empty list means that there is no such limit."""

    minimum_age: Whole | None = Field(default=None, json_schema_extra={"enum": [*rules.MINIMUM_AGES, None]})
    maximum_age: Whole | None = Field(default=None, json_schema_extra={"enum": [*rules.MAXIMUM_AGES, None]})
    sexes: list[Sex] = Field(default=[], max_length=10)
    nationalities: list[CountryCode] = Field(default=[], max_length=250)
    households: Flag = True
    unaccompanied_children: Flag = False
    documents_required: list[DocumentKind] = Field(default=[], max_length=20)

    @field_validator("minimum_age")
    @classmethod
    def _first_year(cls, age: int | None) -> int | None:
        if age is not None and age not in rules.MINIMUM_AGES:
            raise PydanticCustomError("age-band-edge", "must be the first year of an age band")
        return age

    @field_validator("maximum_age")
    @classmethod
    def _last_year(cls, age: int | None) -> int | None:
        if age is not None and age not in rules.MAXIMUM_AGES:
            raise PydanticCustomError("age-band-edge", "must be the last year of an age band")
        return age

    @field_validator("sexes", "nationalities", "documents_required")
    @classmethod
    def _each_once(cls, codes: list[str]) -> list[str]:
        return sorted(set(codes))

    @model_validator(mode="after")
    def _anybody(self) -> Self:
        if not rules.ages_admit_anybody(minimum=self.minimum_age, maximum=self.maximum_age):
            raise PydanticCustomError("ages-admit-nobody", "must not have a minimum age above the maximum age")
        return self


class CoveredDetailBody(Body):
    """A detail of which the service covers some values only."""

    detail: DetailCode = Field(examples=["symptom_group"])
    values: list[DetailCode] = Field(min_length=1, max_length=50, examples=[["pain", "skin"]])

    @field_validator("values")
    @classmethod
    def _each_once(cls, codes: list[str]) -> list[str]:
        return sorted(set(codes))


class OfferedKindBody(Body):
    """A kind of need that the service meets. A detail that its scope does not name is covered with every value."""

    kind: NeedKind = Field(examples=["simple_medication"])
    scope: list[CoveredDetailBody] = Field(default=[], max_length=20)


class Address(Body):
    """A street address (HSDS 3.1 names). Never part of an event."""

    address_1: Name
    address_2: Name | None = None
    city: Name
    region: Name | None = None
    state_province: Name | None = None
    postal_code: Name | None = None
    country: CountryCode


class LocationBody(Body):
    """A location as a client enters it. A service takes values that it omits from its location."""

    organization_id: UUID
    location_type: LocationType = LocationType.PHYSICAL
    name: Name | None = None
    description: LongText = ""
    place: PlaceCode = Field(examples=["GT01"])
    on_site_at: PlaceCode | None = None
    """The reception place at which it is located, or null."""
    timezone: TimeZone = Field(examples=["America/Guatemala"])
    access: list[AccessNeed] = Field(default=[], max_length=10)
    openings: Openings = []
    address: Address | None = None
    address_hidden: Flag = False
    """True for a shelter with a secret address; then `place` must be coarse enough to be safe."""
    latitude: float | None = Field(default=None, strict=True, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(default=None, strict=True, ge=-180, le=180, allow_inf_nan=False)

    @field_validator("access")
    @classmethod
    def _each_once(cls, needs: list[AccessNeed]) -> list[AccessNeed]:
        return sorted(set(needs))

    @model_validator(mode="after")
    def _whole_point(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise PydanticCustomError("latitude-with-longitude", "must contain both latitude and longitude, or neither")
        return self


class ServiceBody(Body):
    """A provider service as a client enters it: the routing view, with name, description and address."""

    organization_id: UUID
    location_id: UUID | None = None
    name: Name = Field(examples=["Temporary shelter"])
    description: LongText = ""
    status: PublicationStatus | None = None
    """If omitted: unchanged; active for a new service."""
    category: NeedCategory
    kinds: list[OfferedKindBody] = Field(default=[], max_length=50)
    """The kinds of need that it meets (`GET /v1/taxonomy`), all of its category."""
    service_type: Code = Field(examples=["temporary_shelter"])
    restricted: Flag = False
    """Services of the restricted categories of the country are always restricted."""
    place: PlaceCode | None = Field(default=None, examples=["GT01"])
    on_site_at: PlaceCode | None = None
    catchment: list[AreaCode] = Field(default=[], max_length=500)
    eligibility: EligibilityBody = EligibilityBody()
    languages: list[LanguageCode] = Field(min_length=1, max_length=50, examples=[["spa", "quc"]])
    language_must_match: Flag = False
    access: list[AccessNeed] | None = Field(default=None, max_length=10)
    openings: Openings | None = None
    """If omitted: those of the location. An empty list: always open."""
    timezone: TimeZone | None = Field(default=None, examples=["America/Guatemala"])
    accepts_automatically: Flag = False
    max_stay_hours: Whole | None = Field(default=None, ge=1, le=87_600)
    address: Address | None = None
    address_hidden: Flag = False

    @field_validator("catchment", "languages", "access")
    @classmethod
    def _each_once(cls, codes: list[str] | None) -> list[str] | None:
        return None if codes is None else sorted(set(codes))

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.location_id is None and (self.place is None or self.timezone is None):
            raise PydanticCustomError(
                "place-or-location", "must have a place and a timezone, or a location that has them"
            )
        return self


def routing_view(
    body: ServiceBody, location: LocationBody | None, *, service_id: UUID, status: PublicationStatus, version: int
) -> ProviderServicePublished:
    """The published view of the service, with omitted values taken from its location."""
    place = body.place or (location.place if location else None)
    timezone = body.timezone or (location.timezone if location else None)
    assert place is not None and timezone is not None, "ServiceBody demands a place or a location"  # noqa: PT018
    openings = body.openings if body.openings is not None else (location.openings if location else [])
    access = body.access if body.access is not None else (location.access if location else [])
    return ProviderServicePublished(
        provider_service_id=service_id,
        organization_id=body.organization_id,
        version=version,
        status=status,
        category=body.category,
        kinds=[OfferedKind(**kind.model_dump()) for kind in body.kinds],
        service_type=body.service_type,
        restricted=body.restricted,
        place=place,
        on_site_at=body.on_site_at or (location.on_site_at if location else None),
        catchment=body.catchment,
        eligibility=Eligibility(**body.eligibility.model_dump()),
        languages=body.languages,
        language_must_match=body.language_must_match,
        access=access,
        openings=[Opening(**opening.model_dump()) for opening in openings],
        timezone=timezone,
        accepts_automatically=body.accepts_automatically,
        max_stay_hours=body.max_stay_hours,
    )


class LocationView(LocationBody):
    """A location. Address and coordinates are omitted if the caller may not see them."""

    id: UUID
    version: int
    created_at: datetime
    changed_at: datetime


class ServiceView(ServiceBody):
    """A provider service as it was entered, and as it was published."""

    id: UUID
    status: PublicationStatus
    version: int
    published: ProviderServicePublished
    """The complete routing view, including values from the location, exactly as published on the topic."""
    created_at: datetime
    changed_at: datetime
