"""What a queue shows."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class WaitlistEntryView(BaseModel):
    """One referral that waits for a place."""

    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    category: str
    urgency_rank: int = Field(description="0 emergency, 1 urgent, 2 normal")
    people_count: int
    waiting_since: datetime = Field(description="Since when the need waits; what counts within an urgency")
    queued_at: datetime
    position: int = Field(description="1 is the next of its category")
    provider_service_ids: list[UUID] = Field(description="Services that could take it but for a free place")
