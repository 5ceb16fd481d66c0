"""Bodies and views of households."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.wire.values import Flag, Whole
from services.registration.households.rules import ClaimDecision, ClaimReason
from services.registration.people.schemas import Body

_ONE = "01956b0e-5b2c-7c3e-9d41-0c7f5a1b2c3d"
_TWO = "01956b0e-5b2d-7a11-8f00-2d3e4f5a6b7c"


@dataclass(frozen=True, slots=True)
class Joining:
    """A person who joins a household, or founds it."""

    household_id: UUID
    returnee_id: UUID
    told_size: int | None
    stay_together: bool
    tells_household_need: bool
    organization_id: UUID | None


@dataclass(frozen=True, slots=True)
class HouseholdState:
    """A household after a change, with its members."""

    id: UUID
    reference_returnee_id: UUID
    version: int
    expected_size: int
    stay_together: bool
    member_ids: Sequence[UUID]
    traceparent: str | None
    """The trace of the reference person's journey."""


class HouseholdBody(Body):
    """A household that a desk creates."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"reference_returnee_id": _ONE, "member_ids": [_ONE, _TWO], "expected_size": 2}]
        },
    )

    reference_returnee_id: UUID
    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=30)]
    """All members, including the reference person."""
    expected_size: Annotated[Whole, Field(ge=1, le=30)]
    stay_together: Flag = True
    namesakes_confirmed: Flag = False
    """True after `may-be-excluded`: you have checked that nobody of them is the person whom another one excludes."""


class HouseholdCorrection(Body):
    """The changes of a household; fields that are omitted do not change."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"stay_together": False}]})

    reference_returnee_id: UUID | None = None
    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=30)] | None = None
    expected_size: Annotated[Whole, Field(ge=1, le=30)] | None = None
    stay_together: Flag | None = None
    namesakes_confirmed: Flag = False
    """True after `may-be-excluded`: you have checked that nobody of them is the person whom another one excludes."""


class HouseholdView(BaseModel):
    """A household."""

    id: UUID
    version: int
    reference_returnee_id: UUID
    member_ids: list[UUID]
    expected_size: int
    stay_together: bool


class HouseholdDecision(Body):
    """The decision about a person who may belong to a household."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"decision": "separate"}]})

    decision: ClaimDecision
    namesakes_confirmed: Flag = False
    """True after `may-be-excluded`: you have checked that nobody of them is the person whom another one excludes."""


class HouseholdClaimView(BaseModel):
    """A person who names a household, and the decision about it."""

    id: UUID
    household_id: UUID
    returnee_id: UUID
    case_code: str = Field(examples=["GT-7K3M-9QXC"])
    reason: ClaimReason
    told_size: int | None = Field(description="The size that this person stated")
    household_told_size: int | None = Field(description="The size that the members stated")
    member_ids: list[UUID] = Field(description="The present members")
    claimed_at: datetime
    decision: ClaimDecision | None
    decided_at: datetime | None
