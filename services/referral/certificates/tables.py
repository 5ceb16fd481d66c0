"""The copy of the directory's certificates."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from services.referral.database import Table, big, moment


class Certificate(Table, table=True):
    """What one member of staff has been trained for. Only the holder's token can show who it is."""

    __tablename__ = "certificate"
    __table_args__ = (Index("ix_certificate_kind", "kind"),)

    certificate_id: UUID = Field(primary_key=True)
    version: int = big()
    kind: str
    holder_digest: str
    organization_id: UUID | None = None
    valid_from: date
    valid_until: date
    revoked_at: datetime | None = moment(nullable=True, default=None)
