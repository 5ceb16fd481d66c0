"""The report to a person about their data."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.events.codes import DeletionReason, NeedCategory
from services.registration.access_reports.rules import Proof
from services.registration.answers.schemas import AnswerView
from services.registration.audit.schemas import AccessView
from services.registration.consent.schemas import ConsentView, SafeContactView
from services.registration.emergencies.rules import Decision, EmergencyReason, Verdict
from services.registration.identity_ends.rules import ExtensionReason
from services.registration.legal_requests.rules import Asked, Authority, RequestAnswer
from services.registration.needs.schemas import NeedView
from services.registration.people.schemas import ReturneeView
from services.registration.sharing.rules import DeletionAnswer
from services.registration.withholding.schemas import ExcludedPersonView, ReasonView


class AnswersOfPerson(BaseModel):
    """The answers to one set of questions."""

    instrument: str
    instrument_version: int
    questions: dict[str, str] = Field(description="The text of each question, by its code")
    answers: list[AnswerView]


class RecordOfPerson(BaseModel):
    """One record. A person has several if records were merged."""

    person: ReturneeView
    safe_contact: SafeContactView | None
    needs: list[NeedView]
    consents: list[ConsentView]
    answers: list[AnswersOfPerson]
    excluded_people: list[ExcludedPersonView]
    withholding_reasons: list[ReasonView]


class RecipientOfData(BaseModel):
    """An organisation that accepted to help, and so may read what it needs (a packet)."""

    organization_id: UUID
    offer_id: UUID
    category: NeedCategory
    fetched_at: datetime | None = Field(description="When it last read the data; null if it never did")
    ended_at: datetime | None = Field(description="When its help ended")
    deletion_requested_at: datetime | None
    deletion_reason: DeletionReason | None
    deletion_answer: DeletionAnswer | None


class LegalRequestTold(BaseModel):
    """A request of an authority of which the person may know."""

    authority: Authority
    received_at: datetime
    asked: list[Asked]
    answer: RequestAnswer
    given: list[Asked]
    answered_at: datetime


class EmergencyTold(BaseModel):
    """Somebody asked to see the person's data to save a life."""

    asked_at: datetime
    reason: EmergencyReason
    decision: Decision | None = Field(description="Null if nobody decided")
    ends_at: datetime | None = Field(description="When the access ended, or ends")
    verdict: Verdict | None = Field(description="What the data protection officer found; null before the review")


class IdentityCheckTold(BaseModel):
    """Somebody tried to prove, by answers to questions, to be the person."""

    made_at: datetime
    proven: bool


class ExtensionTold(BaseModel):
    """The data protection officer decided to keep the data longer."""

    decided_at: datetime
    reason: ExtensionReason
    until: datetime


class AccessReport(BaseModel):
    """All that registration knows of a person, as far as the caller may see it."""

    made_at: datetime
    proof: Proof = Field(description="How the person proved who they are")
    records: list[RecordOfPerson]
    recipients: list[RecipientOfData]
    legal_requests: list[LegalRequestTold]
    emergencies: list[EmergencyTold]
    identity_checks: list[IdentityCheckTold]
    extensions: list[ExtensionTold]
    accesses: list[AccessView] = Field(description="Who read or wrote the data, newest first")
    accesses_left_out: bool = Field(description="There are more: `GET /v1/returnees/{returnee_id}/access-log`")
    complete: bool = Field(
        description="False if you may not see restricted needs: the data protection officer can make the whole report"
    )
