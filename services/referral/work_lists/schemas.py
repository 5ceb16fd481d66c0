"""The entries of work lists."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.chassis.paging import Count
from libs.events.codes import NeedCategory, NeedKind, OwnerReason, Urgency
from services.referral.clocks.rules import TimerKind
from services.referral.lifecycles.rules import NeedStatus, ReferralStatus
from services.referral.work_lists.rules import Party


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of a list."""

    category: NeedCategory | None = None
    kind: NeedKind | None = None
    urgency: Urgency | None = None
    desk: str | None = None
    area: str | None = None
    arrival_batch_id: UUID | None = None
    categories: frozenset[str] | None = None
    """Those of a stage; None for all."""


class ItemView(BaseModel):
    """One need on a work list, with its current referral and offer."""

    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    stage: int = Field(description="The stage of the referral mechanism, as in `GET /v1/stages`", examples=[2])
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
    urgency: Urgency
    people_count: int
    area: str | None = Field(description="The destination of the returnee, as a place code of the pack")
    arrival_batch_id: UUID | None
    status: NeedStatus
    reported_at: datetime
    owner: str | None = Field(description="The desk that is responsible for the need now")
    owner_reason: OwnerReason | None
    owned_since: datetime | None
    owner_due_at: datetime | None = Field(description="The deadline for the next sign of life of the desk")
    ended_at: datetime | None
    end_reason: str | None
    referral_id: UUID | None = Field(description="The live referral of the need")
    referral_status: ReferralStatus | None
    waits_on: Party | None
    organization_id: UUID | None = Field(description="The provider that has the offer, or has accepted it")
    provider_service_id: UUID | None = Field(description="Its service")
    due_at: datetime | None = Field(description="The next deadline")
    due: TimerKind | None = Field(description="The kind of this deadline")


class DueItemView(ItemView):
    """One deadline of a need."""

    subject_id: UUID = Field(description="The need, referral or offer that has the deadline")


class WaitingItemView(ItemView):
    """One referral and the party that it waits for."""

    waiting_since: datetime = Field(description="Since when the need waits")


class HaltedItemView(ItemView):
    """One halted offer, about which a desk has to decide."""

    halted_since: datetime
    halted_for: list[str] = Field(
        description="The codes of the rules and interlocks that it breaks, as in explanations",
        examples=[["not_active"]],
    )


class StageCountsView(BaseModel):
    """The queue of one stage of the referral mechanism. Counting stops at a thousand."""

    stage: int = Field(examples=[4])
    name: str = Field(examples=["Medium-term needs"])
    mine: bool = Field(description="True if a desk of the caller leads or co-leads the stage")
    waiting: dict[Party, Count] = Field(description="Numbers of needs by the party that they wait for")
    overdue: Count
    escalations: Count
    halted: Count
    unmet: Count


class StageQueuesView(BaseModel):
    """The queues of all stages, in the order of the mechanism."""

    stages: list[StageCountsView]


class CountsView(BaseModel):
    """The length of each list, with the same filters."""

    mine: Count
    due: Count = Field(description="Deadlines within the requested period")
    overdue: Count
    escalations: Count
    waiting: dict[Party, Count] = Field(description="Numbers of needs by the party that they wait for")
    halted: Count = Field(description="Halted offers, about which a desk has to decide")
    unmet: Count
