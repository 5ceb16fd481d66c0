"""Services and locations with their parts. Names follow HSDS 3.1 where it has a name."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Computed, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from libs.events.codes import AccessNeed, PublicationStatus, Sex
from services.provider_directory.database import MOMENT, DirectoryTable, all_of, one_of
from services.provider_directory.listings.rules import MAXIMUM_AGES, MINIMUM_AGES, LocationType
from services.provider_directory.words import words_of

CODES = ARRAY(String)

# Written in the form in which PostgreSQL returns it, so that a migrated database can be compared with it.
_WORDS = words_of("(((name)::text || ' '::text) || (description)::text)")
_LOCATION_WORDS = words_of("(((COALESCE(name, ''::character varying))::text || ' '::text) || (description)::text)")
_CITY_WORDS = words_of("(((city)::text || ' '::text) || (COALESCE(region, ''::character varying))::text)")


class Location(DirectoryTable, table=True):
    """Where services are given. `place` is HSDS's `external_identifier` (an OCHA p-code)."""

    __tablename__ = "location"
    __table_args__ = (
        CheckConstraint(one_of("location_type", LocationType), name="location_type"),
        CheckConstraint(all_of("access", AccessNeed), name="location_access"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="location_point"),
        CheckConstraint("version >= 1", name="location_version"),
        Index("location_by_words", "words", postgresql_using="gin"),
        Index("location_by_place", "place", postgresql_ops={"place": "text_pattern_ops"}),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id", index=True)
    location_type: str
    name: str | None = None
    description: str
    place: str
    on_site_at: str | None = None
    timezone: str
    access: list[str] = Field(sa_type=CODES)
    address_hidden: bool
    latitude: float | None = None
    longitude: float | None = None
    version: int
    created_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_LOCATION_WORDS, persisted=True)))
    """The folded words of name and description, for the text search."""


class ProviderService(DirectoryTable, table=True):
    """A service of an organisation. Empty columns are taken from its location."""

    __tablename__ = "service"
    __table_args__ = (
        CheckConstraint(one_of("status", PublicationStatus), name="service_status"),
        CheckConstraint(f"minimum_age IN {MINIMUM_AGES}", name="service_minimum_age"),
        CheckConstraint(f"maximum_age IN {MAXIMUM_AGES}", name="service_maximum_age"),
        CheckConstraint("minimum_age <= maximum_age", name="service_ages"),
        CheckConstraint(all_of("sexes", Sex), name="service_sexes"),
        CheckConstraint(all_of("access", AccessNeed), name="service_access"),
        CheckConstraint(
            "location_id IS NOT NULL OR (place IS NOT NULL AND timezone IS NOT NULL)", name="service_somewhere"
        ),
        CheckConstraint("max_stay_hours > 0", name="service_max_stay_hours"),
        CheckConstraint("version >= 1", name="service_version"),
        Index("service_by_name", "name", "id"),
        Index("service_by_category", "category", "name", "id"),
        Index("service_by_words", "words", postgresql_using="gin"),
        Index("service_by_place", "place", postgresql_ops={"place": "text_pattern_ops"}),
        Index("service_by_kind", "kinds", postgresql_using="gin", postgresql_ops={"kinds": "jsonb_path_ops"}),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id", index=True)
    location_id: UUID | None = Field(default=None, foreign_key="location.id", index=True)
    name: str
    description: str
    status: str
    category: str
    service_type: str
    kinds: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    """The kinds of need that it meets, each with its scope, as published."""
    restricted: bool
    place: str | None = None
    on_site_at: str | None = None
    timezone: str | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    sexes: list[str] = Field(sa_type=CODES)
    nationalities: list[str] = Field(sa_type=CODES)
    households: bool
    unaccompanied_children: bool
    language_must_match: bool
    access: list[str] | None = Field(default=None, sa_type=CODES)
    own_schedule: bool
    """False: its openings are those of its location. True without a schedule row: always open."""
    accepts_automatically: bool
    max_stay_hours: int | None = None
    address_hidden: bool
    version: int
    created_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_WORDS, persisted=True)))
    """The folded words of name and description, for the text search."""


class Schedule(DirectoryTable, table=True):
    """One weekly opening of a service or a location, in its local time."""

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("num_nonnulls(service_id, location_id) = 1", name="schedule_of_one"),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="schedule_weekday"),
        CheckConstraint(
            "opens_minute >= 0 AND opens_minute < closes_minute AND closes_minute <= 1440", name="schedule_forward"
        ),
        UniqueConstraint("service_id", "weekday", "opens_minute", name="schedule_of_service"),
        UniqueConstraint("location_id", "weekday", "opens_minute", name="schedule_of_location"),
    )

    id: UUID = Field(primary_key=True)
    service_id: UUID | None = Field(default=None, foreign_key="service.id")
    location_id: UUID | None = Field(default=None, foreign_key="location.id")
    weekday: int
    opens_minute: int
    closes_minute: int


class Language(DirectoryTable, table=True):
    """A language in which a service is given (ISO 639-3)."""

    __tablename__ = "language"
    __table_args__ = (UniqueConstraint("service_id", "code", name="language_of_service"),)

    id: UUID = Field(primary_key=True)
    service_id: UUID = Field(foreign_key="service.id")
    code: str


class ServiceArea(DirectoryTable, table=True):
    """An area that a service serves: a place code and all places whose codes begin with it."""

    __tablename__ = "service_area"
    __table_args__ = (UniqueConstraint("service_id", "place", name="service_area_of_service"),)

    id: UUID = Field(primary_key=True)
    service_id: UUID = Field(foreign_key="service.id")
    place: str


class RequiredDocument(DirectoryTable, table=True):
    """A document that a person must have to use the service (domain D1)."""

    __tablename__ = "required_document"
    __table_args__ = (UniqueConstraint("service_id", "document", name="required_document_of_service"),)

    id: UUID = Field(primary_key=True)
    service_id: UUID = Field(foreign_key="service.id")
    document: str


class Address(DirectoryTable, table=True):
    """The street address of a location, or of a service without one. The rules for hidden addresses apply to every
    read."""

    __tablename__ = "address"
    __table_args__ = (
        CheckConstraint("num_nonnulls(service_id, location_id) = 1", name="address_of_one"),
        UniqueConstraint("service_id", name="address_of_service"),
        UniqueConstraint("location_id", name="address_of_location"),
        Index("address_by_words", "words", postgresql_using="gin"),
    )

    id: UUID = Field(primary_key=True)
    service_id: UUID | None = Field(default=None, foreign_key="service.id")
    location_id: UUID | None = Field(default=None, foreign_key="location.id")
    address_1: str
    address_2: str | None = None
    city: str
    region: str | None = None
    state_province: str | None = None
    postal_code: str | None = None
    country: str
    address_type: str
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_CITY_WORDS, persisted=True)))
    """The folded words of town and region, for the text search."""
