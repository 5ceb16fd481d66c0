"""Rows of the directory's read model, and of what providers have said of themselves when they were asked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from services.referral.database import Table, big, document, moment


class ProviderServiceRow(Table, table=True):
    """One provider service as last published."""

    __tablename__ = "provider_service"

    provider_service_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(index=True)
    version: int
    """The publisher's version; a lower one is ignored."""
    category: str = Field(index=True)
    status: str
    view: dict[str, Any] = document(nullable=False)
    revision: int = big(default=1)
    """How often the view has changed here; only grows, so that a sum over all rows tells of any change."""


class ProviderOrganizationRow(Table, table=True):
    """One organisation's standing as last published."""

    __tablename__ = "provider_organization"

    organization_id: UUID = Field(primary_key=True)
    version: int
    status: str
    view: dict[str, Any] = document(nullable=False)
    revision: int = big(default=1)


class NoLongerOfferedRow(Table, table=True):
    """A service that its provider, asked, said it no longer offers; over once the directory publishes it anew.

    Not part of the read model: a rebuild from the directory's log keeps it.
    """

    __tablename__ = "no_longer_offered"

    provider_service_id: UUID = Field(primary_key=True)
    version: int
    """The service's version when its provider said so: a higher one ends it."""
    since: datetime = moment()


class ConflictOfInterestRow(Table, table=True):
    """An organisation that declared a conflict of interest: not asked for any need of this person."""

    __tablename__ = "conflict_of_interest"

    returnee_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)
    since: datetime = moment()


class ExclusionRow(Table, table=True):
    """A service that declined this need or let its offer expire: not asked again for it."""

    __tablename__ = "exclusion"

    need_id: UUID = Field(primary_key=True)
    provider_service_id: UUID = Field(primary_key=True)
    code: str
    since: datetime = moment()


class RepublishedRow(Table, table=True):
    """A service that was published anew: whoever is asked for, or was accepted, there is judged again."""

    __tablename__ = "republished"

    provider_service_id: UUID = Field(primary_key=True)
    looked_at: datetime | None = moment(nullable=True)
    """When those who were there then were found. A second look later finds what a round made meanwhile."""
