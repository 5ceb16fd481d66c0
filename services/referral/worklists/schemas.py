"""What people watch."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory, OwnerReason, Urgency
from services.referral.journeys.rules import ReferralStatus


class OwnedNeedView(BaseModel):
    """An open need that a desk owns now."""

    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
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


class CategoryStatistics(BaseModel):
    """The state of one category's needs, of people who have consented to be counted. Needs are counted, not people.

    Null: the number is too small to be shown, or would reveal a number that is.
    """

    category: NeedCategory
    needs: int | None
    open: int | None
    offered: int | None = Field(description="At least one offer was made")
    accepted: int | None = Field(description="A provider has accepted, now or earlier")
    waitlisted: int | None = Field(description="Waits for a place now")
    awaiting_review: int | None = Field(description="Waits for a review now")
    owned: int | None = Field(description="A desk owns it now")
    met: int | None
    refused: int | None
    closed: int | None


class StatisticsView(BaseModel):
    """The state of needs, by category."""

    categories: list[CategoryStatistics]
