"""Rows of the directory's read model, and of what providers said in their answers to offers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, Text
from sqlmodel import Field

from services.referral.database import Table, big, document, moment


class ProviderServiceRow(Table, table=True):
    """One provider service as last published."""

    __tablename__ = "provider_service"
    __table_args__ = (Index("ix_provider_service_reach", "reach", postgresql_using="gin"),)

    provider_service_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(index=True)
    version: int
    """The publisher's version; a lower one is ignored."""
    category: str = Field(index=True)
    status: str
    view: dict[str, Any] = document(nullable=False)
    revision: int = big(default=1)
    """How often the view has changed here. It only grows."""
    reach: list[str] = Field(sa_column=Column(ARRAY(Text()), nullable=False))
    """What it gives and where, as tokens (`rules.reach_of`). Rounds find services by them."""
    place: str | None = Field(default=None, index=True)


class ProviderOrganizationRow(Table, table=True):
    """One organisation as last published."""

    __tablename__ = "provider_organization"

    organization_id: UUID = Field(primary_key=True)
    version: int
    status: str
    view: dict[str, Any] = document(nullable=False)
    revision: int = big(default=1)


class NoLongerOfferedRow(Table, table=True):
    """A service that its provider no longer offers, according to its answer to an offer. It ends when the directory
    publishes the service again.

    This table is not part of the read model: a rebuild from the directory's log keeps it.
    """

    __tablename__ = "no_longer_offered"

    provider_service_id: UUID = Field(primary_key=True)
    version: int
    """The version of the service at the time of the answer. A higher version ends this state."""
    since: datetime = moment()


class ConflictOfInterestRow(Table, table=True):
    """An organisation that declared a conflict of interest. It is not asked for any need of this person."""

    __tablename__ = "conflict_of_interest"

    returnee_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)
    since: datetime = moment()


class ExclusionRow(Table, table=True):
    """A service that declined this need or let its offer expire. It is not asked again for this need."""

    __tablename__ = "exclusion"

    need_id: UUID = Field(primary_key=True)
    provider_service_id: UUID = Field(primary_key=True)
    code: str
    since: datetime = moment()


class RepublishedRow(Table, table=True):
    """A service that was published again. Its waiting and accepted offers are evaluated again."""

    __tablename__ = "republished"

    provider_service_id: UUID = Field(primary_key=True)
    looked_at: datetime | None = moment(nullable=True)
    """When the offers were evaluated the first time. A second evaluation later finds offers that a round made
    meanwhile."""
