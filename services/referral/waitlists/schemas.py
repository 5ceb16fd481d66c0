"""The views of the queues."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.codes import NeedKind

_WAIT = "At the recent rate of freed places, if all referrals ahead take their places here; null if it is unknown"


class PoolQueueView(BaseModel):
    """The position of a referral in the queue of one pool."""

    pool_id: UUID
    provider_service_id: UUID
    place_count: int = Field(description="Places that it needs in this pool")
    position: int = Field(description="1 is the next referral for this pool")
    expected_wait_seconds: int | None = Field(description=_WAIT)


class QueueView(BaseModel):
    """The positions of a referral that waits for a place."""

    position: int = Field(description="1 is the next referral of its category")
    queued_at: datetime
    expected_wait_seconds: int | None = Field(description="The shortest expected wait of those in `pools`")
    pools: list[PoolQueueView] = Field(
        description="The pools that it waits for: large enough and suitable for its people"
    )
    kept_until: datetime | None = Field(
        description="Until then the free places of one pool are kept for it, because it is at the head of the queue"
        " and needs more than are free"
    )


class WaitlistEntryView(QueueView):
    """One referral that waits for a place."""

    referral_id: UUID
    need_id: UUID | None = Field(description="Shown to staff of the network only")
    returnee_id: UUID | None = Field(description="Shown to staff of the network only")
    case_code: str | None = Field(description="Shown to staff of the network only")
    category: str
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
    urgency_rank: int = Field(description="0 emergency, 1 urgent, 2 normal")
    people_count: int
    waiting_since: datetime = Field(description="Since when the need waits; the order within an urgency class")
    owner: str | None = Field(description="The desk that is responsible for the need; for staff of the network only")
    due_at: datetime | None = Field(
        description="When the lead desk becomes the owner if no place is free; for staff of the network only"
    )
    provider_service_ids: list[UUID] = Field(
        description="Services that would be candidates with a free place; a provider sees its own"
    )
