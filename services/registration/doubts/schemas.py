"""Doubtful parts: the input and the views."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.event import SetAside
from services.registration.doubts.rules import Closing, ClosingReason


@dataclass(frozen=True, slots=True)
class NewDoubt:
    """A part to set aside, of a person whose row is locked or new."""

    returnee_id: UUID
    part: SetAside


class DoubtClosing(BaseModel):
    """What was done about a doubtful part."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"closing": "mended", "reason": "asked_the_person"}]}
    )

    closing: Closing
    reason: ClosingReason


class DoubtfulPartView(BaseModel):
    """A part of an arrival event that broke a rule, without its value."""

    id: UUID
    returnee_id: UUID
    case_code: str | None = Field(examples=["GT-7K3M-9QXC"], description="Null once the person is erased")
    pointer: str = Field(description="The field, as a JSON pointer", examples=["/consents/0"])
    rule: str = Field(description="The rule that it broke", examples=["not-in-future"])
    is_urgent: bool = Field(description="Whether a delay of the review can harm somebody")
    set_aside_at: datetime
    closing: Closing | None
    closing_reason: ClosingReason | None
    closed_at: datetime | None


class DoubtfulPartWithValue(DoubtfulPartView):
    """The same with its value; each access is recorded."""

    value: Any = Field(description="The value as received; null once the part is closed")
