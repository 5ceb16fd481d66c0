"""What referrals look like over HTTP."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints
from typing_extensions import TypedDict

from libs.events.codes import CancelReason, NeedCategory, NotDeliveredReason, Outcome, Urgency
from services.referral.audit.rules import Record, ShowsRecord
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.pack.policy import CompletionFact
from services.referral.waitlists.schemas import QueueView

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class ReferralView(ShowsRecord, BaseModel):
    """One need on its way to a provider service."""

    shows: ClassVar[Record] = Record.REFERRAL

    id: UUID
    need_id: UUID
    case_code: str | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    status: ReferralStatus
    opened_at: datetime
    waiting_since: datetime = Field(description="Since when the need waits; kept over every attempt")
    halted_since: datetime | None = Field(
        description="Since when the accepted offer may not go on until a desk has decided: nothing begins meanwhile"
    )
    ended_at: datetime | None
    end_reason: str | None
    outcome: Outcome | None
    outcome_facts: dict[str, bool | int] | None = Field(description="What its completion stated")
    offer_id: UUID | None = Field(description="The live or accepted offer")
    organization_id: UUID | None
    provider_service_id: UUID | None
    service_type: str | None = Field(description="Of the live or accepted offer; decides what a completion states")
    waitlist: QueueView | None = Field(default=None, description="Where it stands while it waits for a place")


class Body(BaseModel):
    """A closed body."""

    model_config = ConfigDict(extra="forbid")


class FactsBody(TypedDict, total=False):
    """Yes, no or a count. There is no field for a text or for the number of a document."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    document_issued: StrictBool
    nights_stayed: Annotated[StrictInt, Field(ge=0, le=366)]
    certificate_awarded: StrictBool


class OverrideBody(Body):
    """A person's choice in place of the router's."""

    provider_service_id: UUID
    reason: Note = Field(description="Kept in referral only; name nobody")


class CompleteBody(Body):
    """What the service achieved."""

    outcome: Outcome = Field(examples=["need_met"])
    facts: FactsBody = Field(
        default_factory=FactsBody,
        description="What the service type has to state: `GET /v1/referrals/completion-facts` lists it by type",
        examples=[{"nights_stayed": 2}],
    )


class CompletionFactsView(BaseModel):
    """What a completion has to state, by service type. A type that is not named has to state nothing."""

    completion_facts: dict[str, list[CompletionFact]] = Field(examples=[{"temporary_shelter": ["nights_stayed"]}])


class NotDeliveredBody(Body):
    """Why an accepted service did not happen."""

    reason: NotDeliveredReason = Field(examples=["provider_unable"])


class CancelBody(Body):
    """Why the referral ends. Other codes of cancelled referrals follow from other steps."""

    reason: Literal[
        CancelReason.BY_RETURNEE, CancelReason.CONSENT_WITHDRAWN, CancelReason.DUPLICATE, CancelReason.MET_ELSEWHERE
    ] = Field(examples=["by_returnee"])


class UpholdBody(Body):
    """Why a halted offer goes on all the same, in words that name nobody."""

    reason: Note = Field(
        description="Kept in referral only; name nobody", examples=["They asked to stay where they are"]
    )


class ErrorBody(Body):
    """Why the referral should never have been, in words that name nobody."""

    note: Note | None = None
