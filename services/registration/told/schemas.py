"""The check of one question, and the numbers of repeated questions."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.instruments.conditions import Value
from libs.taxonomy.questions import Code


class QuestionBody(BaseModel):
    """The question that you want to ask the person."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"instrument": "vulnerability", "question": "daily_medicine"}]},
    )

    instrument: Code
    question: Code


class ToldView(BaseModel):
    """Whether the person has answered the question; if so, the answer."""

    instrument: str
    question: str
    answered: bool
    instrument_version: int | None = Field(description="The version in which it was asked")
    value: Value = Field(description="Null if it is not answered, or if the person did not want to answer")
    answered_at: datetime | None


class AskedAgainView(BaseModel):
    """How often an organisation wanted to ask a question that had been answered."""

    organization_id: UUID | None = Field(description="Null: the network's own staff")
    instrument: str
    question: str
    times: int
