"""The list of people whose identity data have reached their end, and extensions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.registration.identity_ends.rules import EXTENSION_DAYS_MAX, ExtensionReason


class DuePerson(BaseModel):
    """A person about whom you decide: erase, or extend."""

    returnee_id: UUID
    case_code: str
    due_since: datetime = Field(description="When the person came on this list")
    last_at: datetime = Field(description="The moment from which the days count")


class ExtensionBody(BaseModel):
    """The decision to keep the data longer."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "family_tracing", "days": 365}]}
    )

    reason: ExtensionReason
    days: Annotated[int, Field(ge=1, le=EXTENSION_DAYS_MAX, strict=True)]
    """From now on. After them the person comes on the list again."""


class ExtensionView(BaseModel):
    """An extension."""

    id: UUID
    returnee_id: UUID
    reason: ExtensionReason
    until: datetime
    recorded_at: datetime
    recorded_by: str
