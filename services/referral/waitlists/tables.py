"""The queue of referrals that wait for a place."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, Uuid
from sqlmodel import Field

from services.referral.database import Table, moment


class WaitlistEntryRow(Table, table=True):
    """One referral's place in the queue of its category: by urgency, then by how long its need has waited.

    The row goes when the referral leaves the queue; that it stood there is in the record of steps.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (Index("ix_waitlist_entry_queue", "category", "urgency_rank", "waiting_since", "referral_id"),)

    referral_id: UUID = Field(primary_key=True)
    need_id: UUID
    returnee_id: UUID
    category: str
    urgency_rank: int
    people_count: int
    restricted: bool
    waiting_since: datetime = moment()
    queued_at: datetime = moment()
    provider_service_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid()), nullable=False))
    """The services that could take it but for a free place."""
    traceparent: str | None = None
