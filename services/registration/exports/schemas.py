"""Bodies and views of exports."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from libs.events.codes import PlaceCode, RecipientClass
from libs.wire.values import Day
from services.registration.exports.rules import (
    PLACES_MAX,
    REASON_MAX,
    ExportDecision,
    ExportField,
    ExportKind,
    ExportPurpose,
    ExportState,
)

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_MAX)]
_PERIOD: Final[JsonDict] = {"arrived_from": "2026-01-01", "arrived_until": "2026-03-31", "reception_places": ["GT01"]}


class Recipient(BaseModel):
    """For whom an identified export is. Only people whose consent is for this organisation or class are in it."""

    model_config = ConfigDict(extra="forbid")

    organization_id: UUID
    recipient_class: RecipientClass


class ExportBody(BaseModel):
    """What an export is for, and whom it is about."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "deidentified", "purpose": "statistics", **_PERIOD},
                {
                    "kind": "identified",
                    "purpose": "follow_up",
                    "recipient": {
                        "organization_id": "01975f7e-6a3a-7c9e-9d51-3b0f6c1d2e4f",
                        "recipient_class": "providers",
                    },
                    "reason": "Visits six months after the return (sample)",
                    "fields": ["case_code", "given_names", "family_names"],
                    **_PERIOD,
                },
            ]
        },
    )

    kind: ExportKind
    purpose: ExportPurpose
    arrived_from: Day
    """The first day of arrival, at the place of reception; for a de-identified export the first of a month."""
    arrived_until: Day
    """The last day, included; for a de-identified export the last of a month that is over."""
    reception_places: Annotated[list[PlaceCode], Field(min_length=1, max_length=PLACES_MAX)]
    recipient: Recipient | None = None
    reason: Reason | None = None
    """Why who the people are is needed, for the second person. It is stored sealed until the export ends."""
    fields: Annotated[list[ExportField], Field(min_length=1, max_length=len(ExportField))] | None = None


class DownloadView(BaseModel):
    """One download of a file."""

    at: datetime
    who: str
    people_count: int
    left_out: int | None = Field(
        description="People who were left out because too few shared their row, rounded up; null if identified"
    )


class ExportView(BaseModel):
    """One export, in codes and times."""

    id: UUID
    version: int
    kind: ExportKind
    state: ExportState
    purpose: ExportPurpose
    recipient_organization_id: UUID | None
    recipient_class: RecipientClass | None
    fields: list[ExportField]
    arrived_from: date
    arrived_until: date
    reception_places: list[str]
    downloads: int
    asked_at: datetime
    asked_by: str
    decision: ExportDecision | None
    decided_at: datetime | None
    decided_by: str | None
    ends_at: datetime | None = Field(description="After this moment there is no file; null without an approval")


class ExportWithReason(ExportView):
    """The same with the reason and the downloads."""

    reason: str | None = Field(description="Null for a de-identified export, and after the end")
    downloaded: list[DownloadView]
