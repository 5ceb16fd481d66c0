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
    """A need about to be recorded, of a person whose row is locked or new."""

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
    """Its category is restricted in the pack: it goes into a store of its own."""


class RestrictedNeed(BaseModel):
    """What is sealed of a restricted need: what an ordinary one has as columns of the table `need`."""

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
"""What the event says of a need under the names of its columns."""


def reported(need: NewNeed | RestrictedNeed | Mapping[str, Any], *, at: datetime) -> NeedReported:
    """What is told of a need, also of one that others may know already; `need` may be a row of the table `need`."""
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
    """What is sealed of a restricted need that was told again while it was open."""

    id: UUID
    need_id: UUID
    urgency: Urgency
    people_count: int
    reported_at: datetime


class NeedBody(NeedTold):
    """One need that is told after the first intake."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"category": "shelter", "urgency": "urgent", "people_count": 1}]}
    )

    after_need_id: UUID | None = None
    """The need that has to be met first, by id; instead of `after_category`."""

    second_reason: SecondNeedReason | None = None
    """Why this need stands beside an open one of its kind; for holders of `intake:decide`. Left out: it is that need,
    told again."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.after_need_id is not None and self.after_category is not None:
            raise ValueError("after_need_id and after_category cannot both be given")
        return self


class NeedView(BaseModel):
    """A need as told. What becomes of it is for referral to say."""

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
        default=None, description="Why a desk let it stand beside an open need of its kind"
    )
    told_again: bool = Field(
        default=False, description="True in the answer to a need that was open already: this is the one that stands"
    )
