"""Doubtful parts, on their way in and as shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.event import SetAside
from services.registration.doubts.rules import Closing, ClosingReason


@dataclass(frozen=True, slots=True)
class NewDoubt:
    """A part about to be set aside, of a person whose row is locked or new."""

    returnee_id: UUID
    part: SetAside


class DoubtClosing(BaseModel):
    """What has been done about a doubtful part."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"closing": "mended", "reason": "asked_the_person"}]}
    )

    closing: Closing
    reason: ClosingReason


class DoubtfulPartView(BaseModel):
    """A part of what was told of a person that could not be taken up, without what it said."""

    id: UUID
    returnee_id: UUID
    case_code: str | None = Field(examples=["GT-7K3M-9QXC"], description="Null once the person is erased")
    pointer: str = Field(description="Where it stood, as a JSON pointer", examples=["/consents/0"])
    rule: str = Field(description="Which rule it broke", examples=["not-in-future"])
    is_urgent: bool = Field(description="Whether somebody may come to harm while nobody has looked")
    set_aside_at: datetime
    closing: Closing | None
    closing_reason: ClosingReason | None
    closed_at: datetime | None


class DoubtfulPartWithValue(DoubtfulPartView):
    """The same with what it said; each look at it is recorded."""

    value: Any = Field(description="As it came; null once it is closed")
