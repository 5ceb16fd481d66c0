"""Wristbands, and the times of each check-in. Neither contains anything about who the person is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, one_of
from services.registration.wristbands.rules import BandStatus, ExitedTo, VoidReason


class Wristband(Table, table=True):
    """A code that is printed on a band. It belongs to an arrival batch."""

    __tablename__ = "wristband"
    __table_args__ = (
        one_of("status", list(BandStatus), name="wristband_status"),
        one_of("void_reason", list(VoidReason), name="wristband_void_reason"),
        CheckConstraint("(status = 'void') = (void_reason IS NOT NULL)", name="wristband_void"),
        Index("wristband_of_batch", "arrival_batch_id", "id"),
        Index("wristband_of_sheet", "sheet_id", "id"),
        Index("wristband_open", "arrival_batch_id", "id", postgresql_where=text("status = 'in_use'")),
    )

    id: UUID = Field(primary_key=True)
    arrival_batch_id: UUID = Field(foreign_key="arrival_batch.id")
    sheet_id: UUID
    """The sheet on which it is printed: the bands of one request."""
    code: str = Field(unique=True)
    status: str
    owner: str | None = None
    """The client or person who answers for the person with this band until they are registered."""
    issued_at: datetime = Field(sa_column=moment())
    handed_out_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When a person got it, as far as that was reported."""
    void_reason: str | None = None
    voided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    replaced_by: UUID | None = Field(default=None, foreign_key="wristband.id")


class CheckIn(Table, table=True):
    """The times at which one person reached each stage, under their wristband, their registration, or both."""

    __tablename__ = "check_in"
    __table_args__ = (
        one_of("exited_to", list(ExitedTo), name="check_in_exited_to"),
        CheckConstraint("wristband_id IS NOT NULL OR returnee_id IS NOT NULL", name="check_in_of_somebody"),
        CheckConstraint("(returnee_id IS NULL) = (registered_at IS NULL)", name="check_in_registered"),
        CheckConstraint("exited_to IS NULL OR exited_at IS NOT NULL", name="check_in_exited"),
        Index("check_in_of_batch", "arrival_batch_id"),
    )

    id: UUID = Field(primary_key=True)
    arrival_batch_id: UUID | None = Field(default=None, foreign_key="arrival_batch.id")
    wristband_id: UUID | None = Field(default=None, foreign_key="wristband.id", unique=True)
    returnee_id: UUID | None = Field(default=None, foreign_key="returnee.id", unique=True)
    welcomed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    informed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    registered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    exited_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    exited_to: str | None = None
