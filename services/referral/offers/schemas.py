"""Offers over HTTP. They contain the case code and codes of the need, never a name (DESIGN 6)."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.chassis.paging import Count
from libs.events.codes import DeclineReason, NeedCategory, NeedKind, Urgency
from libs.events.detail_values import StoredDetails
from services.referral.audit.rules import Record, ShowsRecord
from services.referral.lifecycles.rules import OfferStatus, ReferralStatus


class OfferView(ShowsRecord, BaseModel):
    """One offer."""

    shows: ClassVar[Record] = Record.OFFER

    id: UUID
    referral_id: UUID
    case_code: str = Field(description="The code that identifies the person outside registration")
    category: NeedCategory
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
    detail_values: StoredDetails = Field(description="Coded details of the kind")
    offered_kind: NeedKind | None = Field(
        description="The kind that the service would give; it stands in for `kind` if it is another one. Null if the"
        " service does not name its kinds, or first finds out what is needed"
    )
    service_type: str
    urgency: Urgency
    people_count: int
    provider_service_id: UUID
    organization_id: UUID
    status: OfferStatus
    made_at: datetime
    answer_by: datetime = Field(description="The deadline for the answer; then the offer expires")
    acknowledge_by: datetime | None = Field(
        description="The deadline for acknowledging the offer; null if the country pack sets none"
    )
    acknowledged_at: datetime | None
    ended_at: datetime | None = Field(description="When it was answered, expired or recalled")
    reason: str | None = Field(description="The code of the decline or recall")
    halted_since: datetime | None = Field(
        description="Since when the accepted offer is halted until a desk of the network decides"
    )
    referral_status: ReferralStatus | None = Field(
        description="The state of the referral of an accepted offer; null for any other offer"
    )


class OfferCounts(BaseModel):
    """How many offers the caller may see, by what they wait for."""

    waiting: Count = Field(description="Offers that wait for an answer: pending or acknowledged")


class DeclineBody(BaseModel):
    """Why the provider declines. The code decides what happens next."""

    model_config = ConfigDict(extra="forbid")

    reason: DeclineReason = Field(examples=["full"])
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)] | None = Field(
        default=None,
        description="Required with `other`. Stored only in referral; do not write any names",
    )


class ExplanationView(BaseModel):
    """Why this service was chosen and the others were not. A provider sees only its own services."""

    offer_id: UUID
    policy: str = Field(description="Version of the country pack's routing policy")
    ring: int | None = Field(
        description="The ring of the search at that time, counted in the rings of the country pack"
    )
    ranked: list[dict[str, Any]] = Field(description="The candidates, best first, with scores")
    excluded: list[dict[str, Any]] = Field(
        description="Services that give what is needed, or something near to it, and were excluded, with all reasons"
    )
    kind: NeedKind | None = Field(description="What exactly was needed; null if only the category was known")
    of_other_kinds: int = Field(
        description="How many services of the category were not considered, because they give other kinds, or are for"
        " other areas or too far away; counting stops at a thousand"
    )
