"""What owned needs, absences and hand-overs look like over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from libs.events.codes import NeedCategory, OwnerReason, Urgency
from libs.wire.values import Moment
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.ownership.rules import AbsenceReason

DeskCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
NEEDS_MAX = 500
"""Needs that a hand-over may name one by one, and how many are moved in one transaction."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AbsenceBody(_Body):
    """When nobody is at the desk, and who looks after its work."""

    deputy: DeskCode = Field(description="Another desk of the country pack", examples=["network-steward-desk"])
    starts_at: Moment = Field(examples=["2026-12-24T18:00:00Z"])
    ends_at: Moment = Field(examples=["2026-12-27T14:00:00Z"])
    reason: AbsenceReason


class AbsenceView(BaseModel):
    """One absence."""

    id: UUID
    desk: str
    deputy: str
    starts_at: datetime
    ends_at: datetime
    reason: AbsenceReason
    made_by: str
    made_at: datetime


class HandOverBody(_Body):
    """Which needs go from which desk to which. Without `returnee_id` and `need_ids`: all that the desk owns."""

    from_desk: DeskCode = Field(alias="from", examples=["igm-shelter-desk"])
    to_desk: DeskCode = Field(alias="to", examples=["network-steward-desk"])
    returnee_id: UUID | None = Field(default=None, description="Only the needs of this returnee")
    need_ids: Annotated[list[UUID], Field(min_length=1, max_length=NEEDS_MAX)] | None = Field(
        default=None, description="Only these needs"
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)] = Field(
        description="Kept in referral only; name nobody", examples=["The desk closes for the week"]
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.returnee_id is not None and self.need_ids is not None:
            raise ValueError("returnee_id and need_ids exclude each other")
        return self


class HandOverView(BaseModel):
    """A hand-over, and how far it is. Large ones go on in the background, a part at a time."""

    id: UUID
    from_desk: str
    to_desk: str
    made_at: datetime
    moved_count: int = Field(description="Needs that the new desk has been given so far")
    finished_at: datetime | None = Field(description="Null while needs are left to move")


class OwnedNeedView(BaseModel):
    """An open need that a desk answers for now."""

    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    owner: str
    owner_reason: OwnerReason
    owned_since: datetime
    owner_level: int = Field(description="How many desks below this one were silent")
    owner_seen_at: datetime | None = Field(description="When the owner last gave a sign of life")
    owner_due_at: datetime | None = Field(description="By when the next sign is due, or the desk above answers")
    owner_overdue_since: datetime | None = Field(description="Since when the steward's desk, the last one, is silent")
    reported_at: datetime
    referral_id: UUID | None = Field(description="The referral that works for it still")
    referral_status: ReferralStatus | None
