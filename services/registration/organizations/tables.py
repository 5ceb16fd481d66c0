"""The standing of organisations, from the events of the directory."""

from uuid import UUID

from sqlalchemy import BigInteger, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.registration.database import Table


class ProviderStanding(Table, table=True):
    """The status of an organisation as last published: a read model of the directory's topic."""

    __tablename__ = "provider_standing"

    organization_id: UUID = Field(primary_key=True)
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    status: str
    valid_until: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    """The last day on which both a licence and a data-sharing agreement are valid, by category."""
    acts_for: str | None = None
    """The foreign state for which it acts."""
