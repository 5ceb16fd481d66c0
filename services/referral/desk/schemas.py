"""Reviews over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory, NeedKind, Urgency
from libs.events.people_codes import AgeBasis, AgeGroup
from services.referral.candidates.interlocks import ReviewReason
from services.referral.reviews.rules import ReviewStatus

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@dataclass(frozen=True, slots=True)
class ReviewFilters:
    """Filters of the list of reviews."""

    status: ReviewStatus | None = None
    desk: str | None = None
    category: NeedCategory | None = None
    referral_id: UUID | None = None


class ReviewView(BaseModel):
    """A decision that a person has to take or has taken."""

    id: UUID
    referral_id: UUID | None = Field(
        description="The referral that waits for the decision; null for a broken invariant"
    )
    need_id: UUID | None
    returnee_id: UUID | None
    case_code: str | None
    category: NeedCategory | None
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
    urgency: Urgency | None
    owner: str | None = Field(description="The desk that is responsible for the need now")
    due_at: datetime | None = Field(
        description="The deadline for the next sign of life of the owner; then the desk above becomes the owner"
    )
    promise: str | None = Field(description="The broken invariant, by its name at /v1/invariants")
    subject_id: UUID | None = Field(
        description="The need, offer or pool that breaks it, or the subject of the late clock"
    )
    reason: ReviewReason
    desk: str = Field(description="The desk that decides")
    status: ReviewStatus
    requested_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    age_of: UUID | None = Field(description="The person whose age a desk decided")
    age_group: AgeGroup | None = Field(
        description="What was decided about the age; null if nobody has decided about it"
    )
    age_basis: AgeBasis | None


class DecisionBody(BaseModel):
    """A note of the person who decides."""

    model_config = ConfigDict(extra="forbid")

    note: Note | None = Field(default=None, description="Stored only in referral; do not write any names")


class AgeDecisionBody(DecisionBody):
    """What the desk decides about the age of a person."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"group": "child", "basis": "assessment"}]}
    )

    group: AgeGroup = Field(
        description="`unsure`: it cannot be settled now; the person is then placed neither among children nor adults"
    )
    basis: AgeBasis
    returnee_id: UUID | None = Field(
        default=None, description="A member of the household, for a need of a household; if omitted: its person"
    )


class ResolutionBody(BaseModel):
    """The finding about a broken invariant."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(description="Stored only in referral; do not write any names")
