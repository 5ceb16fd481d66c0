"""What reviews and overrides look like over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory
from services.referral.candidates.interlocks import ReviewReason
from services.referral.journeys.tables import ReviewStatus

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class ReviewView(BaseModel):
    """A decision that waits, or waited, for a person."""

    id: UUID
    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    reason: ReviewReason
    desk: str = Field(description="Who decides")
    status: ReviewStatus
    requested_at: datetime
    decided_at: datetime | None
    decided_by: str | None


class DecisionBody(BaseModel):
    """What the person who decides wants to have kept."""

    model_config = ConfigDict(extra="forbid")

    note: Note | None = Field(default=None, description="Kept in referral only; name nobody")


class OverrideBody(BaseModel):
    """A person's choice in place of the router's."""

    model_config = ConfigDict(extra="forbid")

    provider_service_id: UUID
    reason: Note = Field(description="Kept in referral only; name nobody")
