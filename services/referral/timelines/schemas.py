"""A timeline over HTTP: codes and times, no free text."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory
from services.referral.timelines.rules import Role


class Order(StrEnum):
    """The order of the list."""

    OLDEST = "oldest"
    NEWEST = "newest"


class EntryView(BaseModel):
    """One entry of the timeline."""

    number: int = Field(description="The number of the entry among those that the reader may see, from 1, without gaps")
    at: datetime
    step: str = Field(description="The step of a need, a referral or an offer", examples=["offer.accept"])
    led_to: str = Field(description="The state after it", examples=["accepted"])
    reason: str | None = Field(description="Its coded reason", examples=["full"])
    by: Role
    actor: str | None = Field(
        description="The actor; shown to staff of the network only", examples=["igm-shelter-desk"]
    )
    category: NeedCategory
    need_id: UUID | None = Field(description="Shown to staff of the network only")
    referral_id: UUID | None
    offer_id: UUID | None


class CaseSearch(BaseModel):
    """The code of the case to find."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"case_code": "GT-7K3M-9QXC"}]})

    case_code: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, min_length=1, max_length=40)] = (
        Field(description="In capital or small letters")
    )


class CaseView(BaseModel):
    """The person of a case code."""

    returnee_id: UUID
    case_code: str = Field(examples=["GT-7K3M-9QXC"])
    merged_into: UUID | None = Field(
        description="The record under which the journey of this person continues. An organisation gets it only if it"
        " has an offer there too"
    )
