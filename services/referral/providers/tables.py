"""Rows of the directory's read model: whole views as published, each with a count of its changes."""

from typing import Any
from uuid import UUID

from sqlmodel import Field

from services.referral.database import Table, big, document


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
