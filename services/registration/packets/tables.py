"""Accepted offers that may open a packet, and until when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.registration.database import Table, moment, one_of
from services.registration.pack import Closing


class PacketAccess(Table, table=True):
    """One accepted offer, from the event of referral. It contains no personal data."""

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
    kind: str | None = None
    """The kind that the service gives; None if it does not name its kinds."""
    people_count: int
    accepted_at: datetime = Field(sa_column=moment())
    closing: str | None = None
    closes_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    judged_profiles: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default="{}"))
    """The version of each returnee's profile on which referral has upheld the offer."""
    judged_household_version: int | None = None
    halted_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """The time from which the offer is halted until a desk has decided."""
    traceparent: str | None = None
