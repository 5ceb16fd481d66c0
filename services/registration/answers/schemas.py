"""Bodies and views of instruments and answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.instruments.conditions import Value
from libs.instruments.model import QuestionType, Use
from libs.taxonomy.questions import Code
from libs.wire.values import Whole

_Text = Annotated[str, StringConstraints(max_length=400)]


class AnswerBody(BaseModel):
    """The answer to one question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Code
    value: _Text | Annotated[list[Code], Field(max_length=60)] | None = Field(
        description="`yes` or `no`, a code, a number or a day as text, words, or a list of codes. Null: the person does"
        " not want to answer"
    )
    replaces: Annotated[Whole, Field(ge=0, le=100_000)] = Field(
        default=0, description="The `version` of the answer that you have seen and correct; 0 for the first answer"
    )


class AnswersBody(BaseModel):
    """Some or all answers; each is stored by itself, and others stay as they are."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "instrument_version": 1,
                    "answers": [
                        {"question": "place_tonight", "value": "none"},
                        {"question": "call_family", "value": "yes", "replaces": 1},
                    ],
                }
            ]
        },
    )

    instrument_version: Annotated[Whole, Field(ge=1, le=9999)]
    """The version that was used to ask."""
    answers: Annotated[list[AnswerBody], Field(min_length=1, max_length=60)]


class OptionView(BaseModel):
    """One answer from which a person chooses."""

    code: str
    text: str


class QuestionView(BaseModel):
    """One question in one language."""

    id: str
    type: QuestionType
    text: str
    options: list[OptionView] = []
    ask_if: dict[str, Any] | None = Field(
        default=None, description="A condition on earlier questions (docs/instruments.md); null: always asked"
    )
    required: bool
    at_least: int | None = None
    at_most: int | None = None
    longest: int | None = None
    private: bool = Field(description="True: the answer is not shown again, not even to the person who typed it")


class InstrumentSummary(BaseModel):
    """The current version of an instrument."""

    instrument: str
    version: int
    use: Use
    label: str | None = Field(description="`UNOFFICIAL-equal-weight`, if it is not the official instrument")
    languages: list[str] = Field(description="The languages with an approved translation")
    questions_count: int


class InstrumentList(BaseModel):
    """The instruments of the country."""

    items: list[InstrumentSummary]


class Shown(BaseModel):
    """The language in which something is shown."""

    language: str
    language_asked: str | None
    is_fallback: bool = Field(description="True if no approved translation exists in the language that was asked for")


class InstrumentView(Shown):
    """An instrument in one language. Drafts of translations are never shown."""

    instrument: str
    version: int
    use: Use
    label: str | None
    title: str
    languages: list[str]
    sources: list[str]
    questions: list[QuestionView]


class AnswerView(BaseModel):
    """The present answer to one question."""

    question: str
    version: int = Field(description="Send it as `replaces` to correct the answer")
    value: Value = Field(description="Null: the person did not want to answer, or you may not see it (`withheld`)")
    withheld: bool = Field(description="True: answered, and you may not see how")
    answered_at: datetime


class AnswersView(Shown):
    """The answers of a person to one instrument, and what to ask next."""

    returnee_id: UUID
    instrument: str
    instrument_version: int
    newer_version: int | None = Field(description="A version that was published since the person began; not used here")
    answers: list[AnswerView]
    next: QuestionView | None = Field(description="The question to ask next; null if all are answered")
    missing: list[str] = Field(description="The required questions without an answer")
    completed_at: datetime | None
