"""Views of the inbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class NotificationView(BaseModel):
    """The notification of one event."""

    message_id: UUID = Field(description="The same as the `webhook-id` of the webhooks")
    type: str = Field(examples=["offer.made.v1"])
    timestamp: datetime = Field(description="When it happened")
    data: dict[str, Any] = Field(description="Ids and codes only; fetch further data with your own rights")


class InboxPage(BaseModel):
    """A page of the inbox, oldest first."""

    items: list[NotificationView]
    next: str | None = Field(
        description="Send it as `after` next time, now or tomorrow: it marks how far you have read. "
        "Null only while the inbox has never held anything"
    )
    more: bool = Field(description="Whether there are more notifications to read now")
