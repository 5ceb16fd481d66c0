"""Bodies and views of needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.events.catalogue.arrivals import NeedTold
from libs.events.catalogue.registration import NeedReported
from libs.events.codes import NeedCategory, Urgency
from services.registration.needs.rules import NeedStatus, SecondNeedReason


@dataclass(frozen=True, slots=True)
class NewNeed:
    """A need to record, of a person whose row is locked or new."""

    id: UUID
    need_key: bytes | None
    returnee_id: UUID
    """The person, or the reference person when it is the household's."""
    household_id: UUID | None
    arrival_batch_id: UUID | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    after_need_id: UUID | None
    traceparent: str | None
    second_reason: SecondNeedReason | None = None
    restricted: bool = False
    """True if the pack restricts its category: it is stored in a separate store."""


class RestrictedNeed(BaseModel):
    """The encrypted data of a restricted need; an ordinary need has them as columns of the table `need`."""

    id: UUID
    returnee_id: UUID
    household_id: UUID | None
    arrival_batch_id: UUID | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    after_need_id: UUID | None
    status: NeedStatus
    reported_at: datetime
    withdrawn_at: datetime | None = None
    ended_at: datetime | None = None
    heard_as_of: datetime | None = None
    second_reason: SecondNeedReason | None = None
    traceparent: str | None = None

    @property
    def is_open(self) -> bool:
        """Neither withdrawn nor ended at referral."""
        return self.status is NeedStatus.REPORTED and self.ended_at is None


_REPORTED = (
    "returnee_id", "category", "urgency", "people_count", "household_id", "arrival_batch_id", "after_need_id",
)  # fmt: skip
"""The fields of the event that have the same names as the columns of a need."""


def reported(need: NewNeed | RestrictedNeed | Mapping[str, Any], *, at: datetime) -> NeedReported:
    """The event about a need, also about one that others may already know. `need` may be a row of the table `need`."""
    value: Callable[[str], Any] = (
        partial(getattr, need) if isinstance(need, NewNeed | RestrictedNeed) else need.__getitem__
    )
    return NeedReported(
        need_id=value("id"),
        reported_at=at,
        is_second=value("second_reason") is not None,
        **{name: value(name) for name in _REPORTED},
    )


class RestrictedRepeat(BaseModel):
    """The encrypted data of a restricted need that was reported again while it was open."""

    id: UUID
    need_id: UUID
    urgency: Urgency
    people_count: int
    reported_at: datetime


class NeedBody(NeedTold):
    """A need that is reported after the first intake."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"category": "shelter", "urgency": "urgent", "people_count": 1}]}
    )

    after_need_id: UUID | None = None
    """The id of the need that must be met first; instead of `after_category`."""

    second_reason: SecondNeedReason | None = None
    """Why a second need of the category is allowed; needs `intake:decide`. If omitted: a repeated report of the open
    need."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.after_need_id is not None and self.after_category is not None:
            raise ValueError("after_need_id and after_category cannot both be given")
        return self


class NeedView(BaseModel):
    """A need as reported. Its further state is available from referral."""

    id: UUID
    returnee_id: UUID = Field(description="The person, or the reference person of the household")
    household_id: UUID | None
    category: NeedCategory
    urgency: Urgency
    people_count: Annotated[int, Field(ge=1)]
    after_need_id: UUID | None
    status: NeedStatus
    reported_at: datetime
    withdrawn_at: datetime | None
    second_reason: SecondNeedReason | None = Field(
        default=None, description="Why a desk allowed it in addition to an open need of the same category"
    )
    told_again: bool = Field(
        default=False,
        description="True in the response to a report of a need that was already open: this is the existing need",
    )
