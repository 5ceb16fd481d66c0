"""Declared capacity: the current declarations, all declarations ever made, and the doubts that answers `full` have
raised."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.provider_directory.database import MOMENT, DirectoryTable


class Capacity(DirectoryTable, table=True):
    """The current declaration of one service. Every change of capacity locks its row."""

    __tablename__ = "capacity"
    __table_args__ = (CheckConstraint("version >= 1", name="capacity_version"),)

    service_id: UUID = Field(primary_key=True, foreign_key="service.id")
    version: int
    as_of: datetime = Field(sa_type=MOMENT)
    declared_at: datetime = Field(sa_type=MOMENT)
    declaration_id: UUID
    accepted_left_out: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    refresh_requested_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """When the provider was asked for a new declaration; None after it has made one."""


class ServiceCapacity(DirectoryTable, table=True):
    """A pool (HSDS 3.1 `service_capacity`). It is kept when a later declaration omits it, because its id always belongs
    to its first service."""

    __tablename__ = "service_capacity"
    __table_args__ = (
        CheckConstraint("maximum >= 0", name="service_capacity_maximum"),
        CheckConstraint("available >= 0 AND available <= maximum", name="service_capacity_available"),
        CheckConstraint("starts_on <= ends_on", name="service_capacity_dates"),
    )

    id: UUID = Field(primary_key=True)
    service_id: UUID = Field(foreign_key="service.id", index=True)
    unit: str
    maximum: int
    available: int
    starts_on: date | None = None
    ends_on: date | None = None
    updated: datetime = Field(sa_type=MOMENT)
    declared: bool
    """True if the current declaration contains it."""


class CapacityDeclaration(DirectoryTable, table=True):
    """One declaration as it was made. Append-only: a trigger refuses any change."""

    __tablename__ = "capacity_declaration"
    __table_args__ = (
        UniqueConstraint("service_id", "version", name="capacity_declaration_of_service"),
        CheckConstraint("version >= 1", name="capacity_declaration_version"),
    )

    id: UUID = Field(primary_key=True)
    service_id: UUID = Field(foreign_key="service.id")
    version: int
    as_of: datetime = Field(sa_type=MOMENT)
    declared_at: datetime = Field(sa_type=MOMENT)
    declared_by: str
    """The client that declared it, as its token names it."""
    pools: list[dict[str, Any]] = Field(sa_type=JSONB)
    accepted_left_out: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})


class CapacityDoubt(DirectoryTable, table=True):
    """An offer was declined as full although the current declaration showed free places."""

    __tablename__ = "capacity_doubt"
    __table_args__ = (Index("capacity_doubt_by_service", "service_id", "declined_at"),)

    offer_id: UUID = Field(primary_key=True)
    service_id: UUID = Field(foreign_key="service.id")
    declaration_id: UUID = Field(foreign_key="capacity_declaration.id", index=True)
    declined_at: datetime = Field(sa_type=MOMENT)
    traceparent: str | None = None
