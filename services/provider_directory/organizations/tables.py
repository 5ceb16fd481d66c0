"""Organisations, their accreditations and agreements. Names follow HSDS 3.1 where it has a name."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Computed, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field

from libs.events.codes import PublicationStatus
from services.provider_directory.database import MOMENT, DirectoryTable, one_of
from services.provider_directory.organizations.rules import OrganizationType
from services.provider_directory.words import words_of

# Written in the form in which PostgreSQL returns it, so that a migrated database can be compared with it.
_WORDS = words_of("(((name)::text || ' '::text) || (COALESCE(alternate_name, ''::character varying))::text)")


class Organization(DirectoryTable, table=True):
    """A provider. Every change of its listings locks its row."""

    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint(one_of("status", PublicationStatus), name="organization_status"),
        CheckConstraint(one_of("organization_type", OrganizationType), name="organization_type"),
        CheckConstraint("version >= 1", name="organization_version"),
        Index("organization_by_name", "name", "id"),
        Index("organization_by_words", "words", postgresql_using="gin"),
    )

    id: UUID = Field(primary_key=True)
    name: str
    description: str
    alternate_name: str | None = None
    website: str | None = None
    organization_type: str
    acts_for: str | None = None
    """The foreign state for which it acts. HSDS 3.1 has no field for it."""
    restricted: bool
    """True while all its services are restricted: then only callers that may see restricted services see it (domain
    C5)."""
    status: str
    version: int
    created_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_WORDS, persisted=True)))
    """The folded words of both names, for the text search."""


class Accreditation(DirectoryTable, table=True):
    """A licence of an organisation for a category, with the last day of its validity (domain H2)."""

    __tablename__ = "accreditation"

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    category: str = Field(primary_key=True)
    valid_until: date
    changed_at: datetime = Field(sa_type=MOMENT)


class Agreement(DirectoryTable, table=True):
    """A data-sharing agreement with an organisation for a category (domain P24)."""

    __tablename__ = "agreement"

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    category: str = Field(primary_key=True)
    valid_until: date
    changed_at: datetime = Field(sa_type=MOMENT)
