"""What reviews look like over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory
from services.referral.candidates.interlocks import ReviewReason
from services.referral.reviews.rules import ReviewStatus

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@dataclass(frozen=True, slots=True)
class ReviewFilters:
    """What the list of reviews is narrowed to."""

    status: ReviewStatus | None = None
    desk: str | None = None
    category: NeedCategory | None = None


class ReviewView(BaseModel):
    """A decision that waits, or waited, for a person."""

    id: UUID
    referral_id: UUID | None = Field(description="What waits to be offered; null for a broken promise")
    need_id: UUID | None
    returnee_id: UUID | None
    case_code: str | None
    category: NeedCategory | None
    promise: str | None = Field(description="The broken promise, by its name at /v1/invariants")
    subject_id: UUID | None = Field(description="What breaks it: a need, an offer, a pool, or whose clock is late")
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


class ResolutionBody(BaseModel):
    """What a person found out about a broken promise."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(description="Kept in referral only; name nobody")
