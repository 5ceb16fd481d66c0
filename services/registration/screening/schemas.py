"""Bodies and views of screenings."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.instruments.conditions import Value
from libs.taxonomy.questions import Code
from libs.wire.values import Flag
from services.registration.answers.schemas import InstrumentView, QuestionView
from services.registration.screening.rules import End, ScreeningStatus


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScreeningBody(Body):
    """The beginning of a screening."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"asked_by_person": False}]})

    asked_by_person: Flag = Field(
        default=False,
        description="True if the person stopped an earlier screening and now asks for one themselves. Never propose it",
    )


class ScreeningAnswer(Body):
    """The answer to one question."""

    question: Code
    value: Code | Annotated[list[Code], Field(max_length=60)] | None = Field(
        description="`yes` or `no`, a code, or a list of codes. Null: the person does not want to answer"
    )


class ScreeningAnswers(Body):
    """Some or all answers; others stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answers": [{"question": "could_leave", "value": "no"}]}]}
    )

    answers: Annotated[list[ScreeningAnswer], Field(min_length=1, max_length=60)]


class ScreeningEnd(Body):
    """The end of a screening, without a reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"how": "stop"}]})

    how: End = Field(description="`stop` deletes all answers")


class Screening(BaseModel):
    """The content of a screening, which is sealed."""

    id: UUID
    returnee_id: UUID
    instrument: str
    instrument_version: int
    status: ScreeningStatus = ScreeningStatus.OPEN
    version: int = 1
    opened_by: str
    """`rules.opener_of`."""
    opened_at: datetime
    ended_at: datetime | None = None
    answers: dict[str, str | list[str] | None] = {}


class ScreeningAnswerView(BaseModel):
    """The answer to one question."""

    question: str
    value: Value


class ScreeningView(BaseModel):
    """A screening, for those who may read it."""

    returnee_id: UUID
    status: ScreeningStatus
    version: int
    opened_at: datetime
    ended_at: datetime | None
    answers: list[ScreeningAnswerView]
    next: QuestionView | None = Field(description="The question to ask next; null if all are answered or it has ended")
    instrument: InstrumentView
