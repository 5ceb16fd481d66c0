"""The queue of referrals that wait for a place."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, Integer, Uuid
from sqlmodel import Field

from services.referral.database import Table, moment


class WaitlistEntryRow(Table, table=True):
    """One referral's place in the queue of its category, ordered by urgency and then by waiting time.

    The row is deleted when the referral leaves the queue. The recorded steps show that it was in the queue.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        Index("ix_waitlist_entry_queue", "category", "urgency_rank", "waiting_since", "referral_id"),
        Index(
            "ix_waitlist_entry_ordinary",
            "category",
            "urgency_rank",
            "waiting_since",
            "referral_id",
            postgresql_where="NOT restricted",
        ),
        Index("ix_waitlist_entry_pool_ids", "pool_ids", postgresql_using="gin"),
    )

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
    """The services that could take it if they had a free place."""
    pool_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid()), nullable=False))
    """Their pools that are suitable and large enough for its people. It is in the queue of each of these pools."""
    pool_places: list[int] = Field(sa_column=Column(ARRAY(Integer()), nullable=False))
    """How many places it needs in each of `pool_ids`, in the same order."""
    traceparent: str | None = None
    kind: str | None = None


class KeptPoolRow(Table, table=True):
    """A pool whose free places are kept for a household at the head of its queue until there are enough for all
    members.

    For each referral only one pool is kept, only once, and for a time that the pack limits. The row stays as long as
    the referral is in the queue.
    """

    __tablename__ = "kept_pool"
    __table_args__ = (Index("uq_kept_pool_live", "pool_id", unique=True, postgresql_where="NOT over"),)

    referral_id: UUID = Field(primary_key=True)
    pool_id: UUID
    since: datetime = moment()
    until: datetime = moment()
    over: bool = False
    """True if the time is over, so that referrals further back may get the places."""
