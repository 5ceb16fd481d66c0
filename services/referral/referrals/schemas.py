"""What referrals look like over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import CancelReason, NeedCategory, NotDeliveredReason, Outcome, Urgency
from services.referral.journeys.rules import ReferralStatus

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class ReferralView(BaseModel):
    """One need on its way to a provider service."""

    id: UUID
    need_id: UUID
    case_code: str | None
    category: NeedCategory
    urgency: Urgency
    people_count: int
    status: ReferralStatus
    opened_at: datetime
    waiting_since: datetime = Field(description="Since when the need waits; kept over every attempt")
    ended_at: datetime | None
    end_reason: str | None
    outcome: Outcome | None
    offer_id: UUID | None = Field(description="The live or accepted offer")
    organization_id: UUID | None
    provider_service_id: UUID | None


class Body(BaseModel):
    """A closed body."""

    model_config = ConfigDict(extra="forbid")


class CompleteBody(Body):
    """What the service achieved."""

    outcome: Outcome = Field(examples=["need_met"])


class NotDeliveredBody(Body):
    """Why an accepted service did not happen."""

    reason: NotDeliveredReason = Field(examples=["provider_unable"])


class CancelBody(Body):
    """Why the referral ends. Other codes of cancelled referrals follow from other steps."""

    reason: Literal[
        CancelReason.BY_RETURNEE, CancelReason.CONSENT_WITHDRAWN, CancelReason.DUPLICATE, CancelReason.MET_ELSEWHERE
    ] = Field(examples=["by_returnee"])


class ErrorBody(Body):
    """Why the referral should never have been, in words that name nobody."""

    note: Note | None = None
