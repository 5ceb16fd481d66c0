"""Exports that were asked for, and each download. They contain criteria, codes and times, and no person."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from libs.events.codes import RecipientClass
from services.registration.database import Table, codes, moment, one_of, sealed
from services.registration.exports.rules import ExportDecision, ExportKind, ExportPurpose


class PeopleExport(Table, table=True):
    """One export that one caller asked for (domain P21). Its file is not stored: each download makes it anew."""

    __tablename__ = "people_export"
    __table_args__ = (
        one_of("kind", list(ExportKind), name="people_export_kind"),
        one_of("purpose", list(ExportPurpose), name="people_export_purpose"),
        one_of("recipient_class", list(RecipientClass), name="people_export_recipient_class"),
        one_of("decision", list(ExportDecision), name="people_export_decision"),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL)",
            name="people_export_decided",
        ),
        CheckConstraint(
            "(ends_at IS NOT NULL) = (kind = 'deidentified' OR decision IS NOT DISTINCT FROM 'approved')",
            name="people_export_approved",
        ),
        CheckConstraint("decided_by <> asked_by AND decided_who <> asked_who", name="people_export_second_person"),
        CheckConstraint("arrived_until >= arrived_from", name="people_export_period"),
        Index("people_export_of_caller", "asked_by", "id"),
        Index("people_export_with_reason", "id", postgresql_where=text("reason_sealed IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    version: int = 1
    kind: str
    purpose: str
    recipient_organization_id: UUID | None = None
    recipient_class: str | None = None
    """The class of the organisation, for consents that name a class."""
    reason_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """Why who the people are is needed. None for a de-identified export, and after the end."""
    fields: list[str] = Field(sa_column=codes())
    arrived_from: date
    arrived_until: date
    places: list[str] = Field(sa_column=codes())
    downloads: int = 0
    organization_id: UUID | None = None
    asked_at: datetime = Field(sa_column=moment())
    asked_by: str
    """The principal of the caller, whom the database compares with that of the reader."""
    asked_who: str
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_by: str | None = None
    decided_who: str | None = None
    decision: str | None = None
    ends_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ExportDownload(Table, table=True):
    """One download: when, by whom, and how many people were in the file."""

    __tablename__ = "export_download"
    __table_args__ = (Index("export_download_of_export", "export_id", "id"),)

    id: UUID = Field(primary_key=True)
    export_id: UUID = Field(foreign_key="people_export.id")
    at: datetime = Field(sa_column=moment())
    who: str
    people_count: int
    left_out: int | None = None
    """How many people a de-identified export left out, rounded up; an identified one does not tell it."""
