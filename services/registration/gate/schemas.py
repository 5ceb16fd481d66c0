"""Bodies and views of wristbands, check-ins, and flights that do not come."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from libs.wire.values import Moment, Whole
from services.registration.wristbands.rules import (
    ITEMS_MAX,
    SHEET_MAX,
    BandStatus,
    ExitedTo,
    Stage,
    StageOutcome,
    VoidReason,
)
from services.registration.wristbands.schemas import BandCode


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BandsBody(_Body):
    """How many wristbands to issue."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"count": 150}]})

    count: Annotated[Whole, Field(ge=1, le=SHEET_MAX)]


class SheetView(BaseModel):
    """The wristbands of one request. `GET …/wristbands/{sheet_id}` shows them as a page to print."""

    sheet_id: UUID
    arrival_batch_id: UUID
    codes: list[str] = Field(examples=[["7K3M-9QXM"]])


class WristbandView(BaseModel):
    """A wristband, and since when the person who has it has waited for their registration."""

    code: str = Field(examples=["7K3M-9QXM"])
    arrival_batch_id: UUID
    status: BandStatus
    owner: str | None = Field(description="The client or person who answers for the person with this band")
    issued_at: datetime
    handed_out_at: datetime | None
    waiting_seconds: int | None = Field(description="Only of a band whose person is not registered yet")
    void_reason: VoidReason | None
    replaced_by: str | None = Field(description="The code of the band that took its place")


class TakeBody(_Body):
    """Wristbands for whose people the caller answers from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"codes": ["7K3M-9QXM"]}]})

    codes: Annotated[list[BandCode], Field(min_length=1, max_length=ITEMS_MAX)]


class AssignBody(_Body):
    """A wristband of a person who was registered without it, for example by an event."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"code": "7K3M-9QXM", "returnee_id": "0196f3c2-8f7a-7c3e-9d2b-5a1e4c6f8b90"}]},
    )

    code: BandCode
    returnee_id: UUID


class VoidBody(_Body):
    """A wristband that is not used any more."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"code": "7K3M-9QXM", "reason": "torn", "replacement": "4TWX-2HNH"}]},
    )

    code: BandCode
    reason: VoidReason
    replacement: BandCode | None = None
    """The band that the person gets instead. Required if they had one."""


class CheckInItem(_Body):
    """One stage of one person."""

    wristband: BandCode | None = None
    returnee_id: UUID | None = None
    """Instead of a wristband, of a person who is registered."""
    stage: Stage
    at: Moment | None = None
    """If omitted: now."""
    exited_to: ExitedTo | None = None
    """Required with the stage `exited`."""

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.wristband is None) == (self.returnee_id is None):
            raise PydanticCustomError("one_subject", "Name either the wristband or the returnee")
        if (self.stage is Stage.EXITED) != (self.exited_to is not None):
            raise PydanticCustomError("exited_to", "exited_to belongs to the stage exited, and is required with it")
        return self


class CheckInsBody(_Body):
    """Stages that people have reached. They may come late and in any order."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"items": [{"wristband": "7K3M-9QXM", "stage": "welcomed"}]}]},
    )

    items: Annotated[list[CheckInItem], Field(min_length=1, max_length=ITEMS_MAX)]


class CheckInResult(BaseModel):
    """What was done with one item."""

    outcome: StageOutcome
    at: datetime | None = Field(description="The time that is recorded for this stage; null if it was refused")
    rule: str | None = Field(description="The rule that a refused item breaks, such as `known-wristband`")


class CheckInResults(BaseModel):
    """One result for each item, in the same order."""

    results: list[CheckInResult]


class CheckInFigures(BaseModel):
    """The check-in of a batch in numbers. They name nobody."""

    arrival_batch_id: UUID
    welcomed: int
    informed: int
    registered: int
    exited: int
    open_wristbands: int = Field(description="People who have a band and are not registered yet")
    not_informed_since: datetime | None = Field(description="When the first person who waits for it was welcomed")
    not_registered_since: datetime | None = Field(description="When the first of those people got their band")
    not_exited_since: datetime | None
