"""Bodies and views of checks of who a person is."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.registration.identity_checks.rules import CheckLanguage, Kind
from services.registration.protection import OPTIONS_MAX, QUESTIONS_MAX

OptionNumber = Annotated[int, Field(strict=True, ge=1, le=OPTIONS_MAX)]


class IdentityCheckBody(BaseModel):
    """How the questions are put."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"language": "es"}]})

    language: CheckLanguage = CheckLanguage.ES


class CheckAnswersBody(BaseModel):
    """The number of the option that the person chose for each question, in the order of the questions."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"answers": [2, 1, 4, 3]}]})

    answers: Annotated[list[OptionNumber], Field(min_length=1, max_length=QUESTIONS_MAX)]


class CheckOptionView(BaseModel):
    """One option to read out."""

    number: int
    text: str


class CheckQuestionView(BaseModel):
    """One question to read out. Nothing says which option is right."""

    kind: Kind
    text: str = Field(examples=["In which month were you born?"])
    options: list[CheckOptionView]


class IdentityCheckView(BaseModel):
    """A check that waits for the answers."""

    id: UUID
    answer_by: datetime = Field(description="Answers after this time are refused")
    questions: list[CheckQuestionView] = Field(description="Empty once the check has ended")


class IdentityCheckResult(BaseModel):
    """The judgement. It has the same form whatever was wrong, and says nothing of single answers."""

    id: UUID
    proven: bool
    proven_until: datetime | None = Field(description="Until then you can name the check as a proof; null if unproven")
