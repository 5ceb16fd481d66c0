"""Certificates. A row is never deleted: what somebody did under it must stay explainable."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.provider_directory.certificates.rules import RevocationReason
from services.provider_directory.database import MOMENT, DirectoryTable, one_of


class Certificate(DirectoryTable, table=True):
    """What one person has been trained for."""

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint(one_of("revocation_reason", RevocationReason), name="certificate_reason"),
        CheckConstraint("(revoked_at IS NULL) = (revocation_reason IS NULL)", name="certificate_revoked"),
        CheckConstraint("valid_from <= valid_until", name="certificate_days"),
        CheckConstraint("version >= 1", name="certificate_version"),
        Index("certificate_of_kind", "kind", "id"),
        Index("certificate_of_organization", "organization_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    kind: str
    holder: str
    """The claim `sub` of the holder's tokens. It leaves this service only as a digest."""
    organization_id: UUID | None = Field(default=None, foreign_key="organization.id")
    issuing_body: str
    valid_from: date
    valid_until: date
    revoked_at: datetime | None = Field(default=None, sa_type=MOMENT)
    revocation_reason: str | None = None
    version: int
    created_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)
