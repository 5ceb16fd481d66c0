"""Stays over HTTP: times and codes, never an address or a name."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory
from libs.wire.values import Whole
from services.referral.lifecycles.exit_plan import ExitItem, ItemStatus, NextStep

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
NEXT_STEP = "Where the people go, as a coarse code, never an address. `not_told`: they were asked and did not say"


class PlanItemView(BaseModel):
    """One item of the exit plan."""

    status: ItemStatus
    at: datetime | None = Field(description="When it was changed last")
    by: str | None = Field(
        description="The subject of the token that changed it last; shown to staff of the network only"
    )


class StayView(BaseModel):
    """The stay of one referral, for all its people."""

    referral_id: UUID
    offer_id: UUID
    case_code: str | None
    category: NeedCategory
    provider_service_id: UUID
    people_count: int
    started_at: datetime
    ends_at: datetime = Field(description="When it must end, extensions included")
    extended_hours: int = Field(description="The sum of all extensions")
    ended_at: datetime | None = Field(description="When its referral ended; null while the people are there")
    next_step: NextStep = Field(description=NEXT_STEP)
    items: dict[ExitItem, PlanItemView]
    planned: bool = Field(description="True if no item is open and the next step is known")
    version: int = Field(description="The number in the ETag")


class ItemsBody(BaseModel):
    """Every item of the exit plan."""

    model_config = ConfigDict(extra="forbid")

    family_reached: ItemStatus
    money: ItemStatus
    transport: ItemStatus
    next_address: ItemStatus
    documents: ItemStatus

    def statuses(self) -> dict[ExitItem, ItemStatus]:
        """The state of each item."""
        return {item: getattr(self, item.value) for item in ExitItem}


class PlanBody(BaseModel):
    """The present exit plan. Codes only."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "next_step": "family",
                    "items": {
                        "family_reached": "done",
                        "money": "done",
                        "transport": "open",
                        "next_address": "done",
                        "documents": "not_needed",
                    },
                }
            ]
        },
    )

    next_step: NextStep = Field(description=NEXT_STEP)
    items: ItemsBody


class ExtendBody(BaseModel):
    """The reason and the length of an extension."""

    model_config = ConfigDict(extra="forbid")

    hours: Whole = Field(ge=1, le=720, examples=[24], description="Added to the present end; limited by the pack")
    reason: Reason = Field(
        examples=["The bus home leaves tomorrow"], description="Stored only in referral; do not write any names"
    )


class StayEntryView(BaseModel):
    """A stay on a list."""

    referral_id: UUID
    need_id: UUID
    case_code: str | None
    category: NeedCategory
    organization_id: UUID
    provider_service_id: UUID
    people_count: int
    started_at: datetime
    ends_at: datetime
    leaves_at: datetime = Field(description="When the people left or must leave; the list has this order")
    ended_at: datetime | None = Field(description="When they left; null while they are there")
    next_step: NextStep
    open_items: list[ExitItem] = Field(description="The missing parts of the exit plan")


class WatchedStayView(StayEntryView):
    """A stay on a list of the network's staff."""

    returnee_id: UUID
    desk: str = Field(
        description="The responsible desk: the owner of the need, otherwise the lead desk of its category"
    )
    over: bool = Field(description="The time is over and the people are still there")


class StayCountsView(BaseModel):
    """The present number of stays on each list. Stays are counted, not people."""

    running: int
    over: int = Field(description="The time is over and the people are still there")
    exits_today: int
    leaving_without_next_step: int
