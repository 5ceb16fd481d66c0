"""What people watch."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory, OwnerReason, Urgency
from services.referral.lifecycles.rules import ReferralStatus


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


class CategoryStatistics(BaseModel):
    """How the needs of one category stand, of people who allow that they are counted. Needs are counted, not people.

    Null: too small to be told, or it would give away a number that is.
    """

    category: NeedCategory
    needs: int | None
    open: int | None
    offered: int | None = Field(description="At least one offer was made")
    accepted: int | None = Field(description="A provider has taken it, now or before")
    waitlisted: int | None = Field(description="Waits for a place now")
    awaiting_review: int | None = Field(description="Waits for a person's decision now")
    owned: int | None = Field(description="A named desk answers for it now")
    met: int | None
    refused: int | None
    closed: int | None


class StatisticsView(BaseModel):
    """How needs stand, by category."""

    categories: list[CategoryStatistics]
