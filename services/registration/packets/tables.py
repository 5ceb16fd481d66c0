"""Which accepted offer may open a packet, and until when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, one_of
from services.registration.pack import Closing


class PacketAccess(Table, table=True):
    """One accepted offer, as heard from referral. Holds no personal data itself."""

    __tablename__ = "packet_access"
    __table_args__ = (
        one_of("closing", list(Closing), name="packet_access_closing"),
        CheckConstraint("(closing IS NULL) = (closes_at IS NULL)", name="packet_access_closes_at"),
        CheckConstraint("people_count >= 1", name="packet_access_people_count"),
        Index("packet_access_open", "referral_id", postgresql_where=text("closes_at IS NULL")),
    )

    offer_id: UUID = Field(primary_key=True)
    referral_id: UUID
    returnee_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    category: str
    service_type: str
    people_count: int
    accepted_at: datetime = Field(sa_column=moment())
    closing: str | None = None
    closes_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    traceparent: str | None = None
