"""Owned needs, absences and hand-overs over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from libs.events.codes import NeedCategory, NeedKind, OwnerReason, Urgency
from libs.wire.values import Moment
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.ownership.rules import AbsenceReason

DeskCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
NEEDS_MAX = 500
"""The maximum number of needs that a hand-over may list, and the number that one transaction transfers."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AbsenceBody(_Body):
    """The period of an absence, and the deputy desk."""

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
    """The needs to transfer, and both desks. Without `returnee_id` and `need_ids`: all needs of the desk."""

    from_desk: DeskCode = Field(alias="from", examples=["igm-shelter-desk"])
    to_desk: DeskCode = Field(alias="to", examples=["network-steward-desk"])
    returnee_id: UUID | None = Field(default=None, description="Only the needs of this returnee")
    need_ids: Annotated[list[UUID], Field(min_length=1, max_length=NEEDS_MAX)] | None = Field(
        default=None, description="Only these needs"
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)] = Field(
        description="Stored only in referral; do not write any names", examples=["The desk closes for the week"]
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.returnee_id is not None and self.need_ids is not None:
            raise ValueError("returnee_id and need_ids cannot both be given")
        return self


class HandOverView(BaseModel):
    """A hand-over and its progress. A large one is processed in the background, part by part."""

    id: UUID
    from_desk: str
    to_desk: str
    made_at: datetime
    moved_count: int = Field(description="The number of needs transferred so far")
    finished_at: datetime | None = Field(description="Null while there are needs to transfer")


class OwnedNeedView(BaseModel):
    """An open need that a desk owns now."""

    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
    urgency: Urgency
    people_count: int
    owner: str
    owner_reason: OwnerReason
    owned_since: datetime
    owner_level: int = Field(description="The number of desks below this one that did not act in time")
    owner_seen_at: datetime | None = Field(description="When the owner last gave a sign of life")
    owner_due_at: datetime | None = Field(
        description="Deadline for the next sign of life; then the desk above becomes the owner"
    )
    owner_overdue_since: datetime | None = Field(
        description="Since when the deadline of the steward, the highest desk, has passed"
    )
    reported_at: datetime
    referral_id: UUID | None = Field(description="The live referral of the need")
    referral_status: ReferralStatus | None
