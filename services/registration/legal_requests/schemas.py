"""Bodies and views of requests of authorities."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.wire.values import Moment
from services.registration.legal_requests.rules import (
    Asked,
    Authority,
    Ground,
    Notice,
    NoticeReason,
    RequestAnswer,
    RequestStatus,
)

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
_REFERENCE = "MP-2026-0142 (sample)"


class LegalRequestBody(BaseModel):
    """A request as it was received."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "returnee_id": "01975f7e-6a3a-7c9e-9d51-3b0f6c1d2e4f",
                    "authority": "prosecutor",
                    "reference": _REFERENCE,
                    "asked": ["identity", "whereabouts"],
                    "received_at": "2026-03-02T15:00:00Z",
                }
            ]
        },
    )

    returnee_id: UUID
    authority: Authority
    reference: Reference
    """The authority's own reference of its letter. It is stored sealed."""
    asked: Annotated[list[Asked], Field(min_length=1, max_length=len(Asked))]
    received_at: Moment
    words: Words | None = None
    """What else the letter says. It is stored sealed."""


class NoticeBody(BaseModel):
    """Whether the person has been told, or when."""

    model_config = ConfigDict(extra="forbid")

    status: Notice
    reason: NoticeReason | None = None
    due_at: Moment | None = None
    """Until then the person is not told, not even in the report about their data."""


class LegalRequestAnswerBody(BaseModel):
    """The answer of the data protection officer. It records what was done, and sends nothing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"answer": "refused", "ground": "no_legal_basis", "notice": {"status": "given"}},
                {
                    "answer": "partly",
                    "ground": "court_order",
                    "given": ["identity"],
                    "notice": {"status": "deferred", "reason": "ordered_by_court", "due_at": "2026-09-01T00:00:00Z"},
                },
            ]
        },
    )

    answer: RequestAnswer
    ground: Ground
    given: Annotated[list[Asked], Field(max_length=len(Asked))] = []
    notice: NoticeBody


class LegalRequestView(BaseModel):
    """One request, without what the authority wrote."""

    id: UUID
    version: int
    returnee_id: UUID
    status: RequestStatus
    authority: Authority
    asked: list[Asked]
    received_at: datetime
    recorded_at: datetime
    recorded_by: str
    answer: RequestAnswer | None
    ground: Ground | None
    given: list[Asked]
    answered_at: datetime | None
    answered_by: str | None
    notice: Notice | None
    notice_reason: NoticeReason | None
    notice_due_at: datetime | None


class LegalRequestWithWords(LegalRequestView):
    """The same with what the authority wrote; each access is recorded."""

    reference: str | None = Field(examples=[_REFERENCE], description="Null once the person is erased")
    words: str | None
