"""Referrals over HTTP."""

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
    """The process that brings one need to a provider service."""

    shows: ClassVar[Record] = Record.REFERRAL

    id: UUID
    need_id: UUID
    case_code: str | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    status: ReferralStatus
    opened_at: datetime
    waiting_since: datetime = Field(description="Since when the need waits; not changed by further attempts")
    halted_since: datetime | None = Field(
        description="Since when the accepted offer is halted until a desk decides; its service cannot start before that"
    )
    ended_at: datetime | None
    end_reason: str | None
    outcome: Outcome | None
    outcome_facts: dict[str, bool | int] | None = Field(description="The facts that the completion stated")
    offer_id: UUID | None = Field(description="The live or accepted offer")
    organization_id: UUID | None
    provider_service_id: UUID | None
    service_type: str | None = Field(
        description="The service type of the live or accepted offer; decides which facts a completion states"
    )
    waitlist: QueueView | None = Field(
        default=None, description="The position in the queues while the referral waits for a place"
    )


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class FactsBody(TypedDict, total=False):
    """Facts are yes, no or a count. There is no field for text or for the number of a document."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    document_issued: StrictBool
    nights_stayed: Annotated[StrictInt, Field(ge=0, le=366)]
    certificate_awarded: StrictBool


class OverrideBody(Body):
    """The choice of a person instead of the router."""

    provider_service_id: UUID
    reason: Note = Field(description="Stored only in referral; do not write any names")


class CompleteBody(Body):
    """The outcome of the service."""

    outcome: Outcome = Field(examples=["need_met"])
    facts: FactsBody = Field(
        default_factory=FactsBody,
        description="The facts that the service type requires; `GET /v1/referrals/completion-facts` lists them by type",
        examples=[{"nights_stayed": 2}],
    )


class CompletionFactsView(BaseModel):
    """The facts that a completion must state, by service type. Types that are not listed require none."""

    completion_facts: dict[str, list[CompletionFact]] = Field(examples=[{"temporary_shelter": ["nights_stayed"]}])


class NotDeliveredBody(Body):
    """Why an accepted service was not delivered."""

    reason: NotDeliveredReason = Field(examples=["provider_unable"])


class CancelBody(Body):
    """Why the referral is cancelled. Further codes of cancelled referrals result from other steps."""

    reason: Literal[
        CancelReason.BY_RETURNEE, CancelReason.CONSENT_WITHDRAWN, CancelReason.DUPLICATE, CancelReason.MET_ELSEWHERE
    ] = Field(examples=["by_returnee"])


class UpholdBody(Body):
    """Why a halted offer continues. Do not write any names."""

    reason: Note = Field(
        description="Stored only in referral; do not write any names", examples=["They asked to stay where they are"]
    )


class ErrorBody(Body):
    """Why the referral was created by mistake. Do not write any names."""

    note: Note | None = None
