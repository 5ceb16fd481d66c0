"""Bodies and views of access in an emergency."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.registration.consent.schemas import SafeContactView
from services.registration.emergencies.rules import WORDS_MAX, Decision, EmergencyReason, EmergencyState, Verdict
from services.registration.people.schemas import CaseCode, IdentityView

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=WORDS_MAX)]


class EmergencyBody(BaseModel):
    """Why access to one person is needed to save a life."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "case_code": "GT-7K3M-9QXC",
                    "reason": "medical_emergency",
                    "words": "Unconscious at the bus terminal, needs the family (sample)",
                }
            ]
        },
    )

    case_code: CaseCode
    reason: EmergencyReason
    words: Words
    """What has happened, for the second person and the data protection officer. It is stored sealed."""


class DecisionBody(BaseModel):
    """The decision of the second person."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"decision": "approved"}]})

    decision: Decision


class ReviewBody(BaseModel):
    """What the data protection officer found."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"verdict": "justified"}]})

    verdict: Verdict


class EmergencyView(BaseModel):
    """One request, in codes and times."""

    id: UUID
    version: int
    returnee_id: UUID
    reason: EmergencyReason
    state: EmergencyState
    organization_id: UUID | None
    asked_at: datetime
    asked_by: str
    decision: Decision | None
    decided_at: datetime | None
    decided_by: str | None
    ends_at: datetime | None = Field(description="When the access ends by itself")
    reviewed_at: datetime | None = Field(description="Null: the data protection officer still has to review it")
    verdict: Verdict | None


class EmergencyWithWords(EmergencyView):
    """The same with what the caller wrote. Each access is recorded."""

    words: str | None


class PersonInEmergency(BaseModel):
    """All that the access shows: who the person is and how to reach them safely; no needs, no flags, no history."""

    emergency_id: UUID
    ends_at: datetime
    case_code: str
    identity: IdentityView
    languages: list[str]
    safe_contact: SafeContactView | None
