"""What stands on a work list."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.chassis.paging import Count
from libs.events.codes import NeedCategory, OwnerReason, Urgency
from services.referral.clocks.rules import TimerKind
from services.referral.lifecycles.rules import NeedStatus, ReferralStatus
from services.referral.work_lists.rules import Party


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to."""

    category: NeedCategory | None = None
    urgency: Urgency | None = None
    desk: str | None = None
    area: str | None = None
    arrival_batch_id: UUID | None = None


class ItemView(BaseModel):
    """One need on a work list, with what works for it now."""

    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    area: str | None = Field(description="The place to which the returnee goes, as a code of the pack")
    arrival_batch_id: UUID | None
    status: NeedStatus
    reported_at: datetime
    owner: str | None = Field(description="The desk that answers for it now")
    owner_reason: OwnerReason | None
    owned_since: datetime | None
    owner_due_at: datetime | None = Field(description="Until when the desk must have given a sign")
    ended_at: datetime | None
    end_reason: str | None
    referral_id: UUID | None = Field(description="The referral that works for it still")
    referral_status: ReferralStatus | None
    waits_on: Party | None
    organization_id: UUID | None = Field(description="The provider that is asked, or has accepted")
    due_at: datetime | None = Field(description="When its next clock runs out")
    due: TimerKind | None = Field(description="Which clock that is")


class DueItemView(ItemView):
    """One clock that runs for a need."""

    subject_id: UUID = Field(description="The need, referral or offer for which the clock runs")


class WaitingItemView(ItemView):
    """One referral that waits on somebody."""

    waiting_since: datetime = Field(description="Since when the need waits")


class HaltedItemView(ItemView):
    """One accepted offer that may not go on until a desk has decided."""

    halted_since: datetime
    halted_for: list[str] = Field(
        description="The rules and interlocks that it breaks, as in explanations", examples=[["not_active"]]
    )


class CountsView(BaseModel):
    """How long each list is, under the same filters."""

    mine: Count
    due: Count = Field(description="Clocks that run out within the time asked for")
    overdue: Count
    escalations: Count
    waiting: dict[Party, Count] = Field(description="On whom needs wait")
    halted: Count = Field(description="Accepted offers that may not go on until a desk has decided")
    unmet: Count
