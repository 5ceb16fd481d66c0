"""Referrals over HTTP."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import CancelReason, NeedCategory, NeedKind, NotDeliveredReason, Outcome, Urgency
from libs.events.detail_values import DetailCode, FactValue
from services.referral.audit.rules import Record, ShowsRecord
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.waitlists.schemas import QueueView

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class ReferralView(ShowsRecord, BaseModel):
    """The process that brings one need to a provider service."""

    shows: ClassVar[Record] = Record.REFERRAL

    id: UUID
    need_id: UUID
    case_code: str | None
    category: NeedCategory
    stage: int = Field(description="The stage of the referral mechanism, as in `GET /v1/stages`", examples=[2])
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
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
    outcome_facts: dict[str, bool | int | str] | None = Field(description="The facts that the completion stated")
    offer_id: UUID | None = Field(description="The live or accepted offer")
    organization_id: UUID | None
    provider_service_id: UUID | None
    offered_kind: NeedKind | None = Field(description="The kind of the live or accepted offer")
    service_type: str | None = Field(
        description="The service type of the live or accepted offer; decides which facts a completion states"
    )
    waitlist: QueueView | None = Field(
        default=None, description="The position in the queues while the referral waits for a place"
    )


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class OverrideBody(Body):
    """The choice of a person instead of the router."""

    provider_service_id: UUID
    reason: Note = Field(description="Stored only in referral; do not write any names")


class CompleteBody(Body):
    """The outcome of the service."""

    outcome: Outcome = Field(examples=["need_met"])
    facts: dict[DetailCode, FactValue] = Field(
        default={},
        max_length=20,
        description="The facts that the kind or the service type requires (`GET /v1/referrals/completion-facts`): yes"
        " or no, a count, or a code of the taxonomy; never text or the number of a document",
        examples=[{"nights_stayed": 2}],
    )
    given_kind: NeedKind | None = Field(
        default=None,
        description="The kind that was given, if it is not the offered one: something else, or what was found out",
    )


class CompletionFactsView(BaseModel):
    """The facts that a completion must state. Types and kinds that are not listed require none."""

    completion_facts: dict[str, list[str]] = Field(
        description="By service type", examples=[{"temporary_shelter": ["nights_stayed"]}]
    )
    by_kind: dict[str, list[str]] = Field(description="By kind", examples=[{"identity_document": ["document_issued"]}])
    met_by: dict[str, list[bool | int | str]] = Field(
        description="By fact: the answers with which a need may count as met; of a number, the smallest one. A fact"
        " that is not listed is met by every answer",
        examples=[{"document_issued": [True], "nights_stayed": [1]}],
    )


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
