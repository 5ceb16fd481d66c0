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
from libs.events.codes import NeedCategory, NeedKind, Urgency
from libs.events.detail_values import DetailValue, ToldDetail, ToldDetails, as_told, from_stored
from services.registration.needs.rules import NeedStatus, SecondNeedReason


class NeedOriginView(BaseModel):
    """The rule of an instrument from which a need follows, and the questions that it reads; never an answer."""

    instrument: str
    instrument_version: int
    rule: str
    questions: list[str]
    stale_since: datetime | None = Field(
        default=None,
        description="Since when the need does not follow any more, because answers have changed. It stays open until"
        " somebody withdraws it",
    )


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
    kind: NeedKind | None
    detail_values: Mapping[str, DetailValue]
    urgency: Urgency
    people_count: int
    after_need_id: UUID | None
    traceparent: str | None
    second_reason: SecondNeedReason | None = None
    restricted: bool = False
    """True if the pack restricts its category: it is stored in a separate store."""
    origin: NeedOriginView | None = None
    """For a restricted need: the rule from which it follows."""


class RestrictedNeed(BaseModel):
    """The encrypted data of a restricted need; an ordinary need has them as columns of the table `need`."""

    id: UUID
    returnee_id: UUID
    household_id: UUID | None
    arrival_batch_id: UUID | None
    category: NeedCategory
    kind: NeedKind | None = None
    detail_values: dict[str, DetailValue] = {}
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
    origin: NeedOriginView | None = None

    @property
    def is_open(self) -> bool:
        """Neither withdrawn nor ended at referral."""
        return self.status is NeedStatus.REPORTED and self.ended_at is None


_REPORTED = (
    "returnee_id", "category", "kind", "urgency", "people_count", "household_id", "arrival_batch_id", "after_need_id",
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
        detail_values=as_told(from_stored(value("detail_values"))),
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
        json_schema_extra={
            "examples": [
                {"category": "shelter", "urgency": "urgent", "people_count": 1},
                {
                    "category": "health",
                    "kind": "prosthesis",
                    "detail_values": [{"detail": "limb", "value": "leg"}, {"detail": "side", "value": "left"}],
                },
            ]
        }
    )

    after_need_id: UUID | None = None
    """The id of the need that must be met first; instead of `after_category` and `after_kind`."""

    second_reason: SecondNeedReason | None = None
    """Why a second need of the category and kind is allowed; needs `intake:decide`. If omitted: a repeated report of
    the open need."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.after_need_id is not None and (self.after_category is not None or self.after_kind is not None):
            raise ValueError("after_need_id and after_category or after_kind cannot both be given")
        return self


class KindFound(BaseModel):
    """What a desk or an assessment has found out about a need of which only the category was known."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "identity_document", "detail_values": [{"detail": "reason_without", "value": "lost_on_route"}]}
            ]
        },
    )

    kind: NeedKind
    """A kind of the need's category (`GET /v1/taxonomy` of the directory)."""
    detail_values: ToldDetails = []
    """Coded details of the kind."""


class NeedView(BaseModel):
    """A need as reported. Its further state is available from referral."""

    id: UUID
    returnee_id: UUID = Field(description="The person, or the reference person of the household")
    household_id: UUID | None
    category: NeedCategory
    kind: NeedKind | None = Field(default=None, description="None if only the category is known")
    detail_values: list[ToldDetail] = Field(default=[], description="Coded details of the kind")
    urgency: Urgency
    people_count: Annotated[int, Field(ge=1)]
    after_need_id: UUID | None
    status: NeedStatus
    reported_at: datetime
    withdrawn_at: datetime | None
    second_reason: SecondNeedReason | None = Field(
        default=None, description="Why a desk allowed it in addition to an open need of the same category and kind"
    )
    origins: list[NeedOriginView] = Field(
        default=[], description="From which answers the need follows; empty if it was reported by itself"
    )
    told_again: bool = Field(
        default=False,
        description="True in the response to a report of a need that was already open: this is the existing need",
    )
