"""Views of deliveries."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.notifications.deliveries.rules import AttemptFault, DeliveryStatus


class DeliveryView(BaseModel):
    """The delivery of a notification to one endpoint."""

    id: UUID
    message_id: UUID = Field(description="The `webhook-id` of every attempt; the same in the inbox")
    endpoint_id: UUID
    event_type: str = Field(examples=["offer.made.v1"])
    status: DeliveryStatus
    attempt_count: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class AttemptView(BaseModel):
    """One attempt: the status of your server's response and the duration, never the body of the response."""

    number: int
    at: datetime
    duration_ms: int | None
    status_code: int | None
    fault: AttemptFault | None = Field(description="Why the attempt failed")


class DeliveryLog(DeliveryView):
    """A delivery with its attempts, oldest first."""

    attempts: list[AttemptView]
