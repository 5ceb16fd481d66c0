"""Needs and journeys over HTTP."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import CloseReason, JourneyEnd, NeedCategory, NeedKind, OwnerReason, Urgency
from libs.events.detail_values import StoredDetails
from services.referral.audit.rules import Record, ShowsRecord
from services.referral.lifecycles.rules import NeedStatus
from services.referral.offers.schemas import OfferView
from services.referral.referrals.schemas import ReferralView


class NeedView(ShowsRecord, BaseModel):
    """One need."""

    shows: ClassVar[Record] = Record.NEED

    id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    stage: int = Field(description="The stage of the referral mechanism, as in `GET /v1/stages`", examples=[2])
    kind: NeedKind | None = Field(description="What exactly is needed; null if only the category is known")
    detail_values: StoredDetails = Field(description="Coded details of the kind")
    urgency: Urgency
    people_count: int
    status: NeedStatus
    reported_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    owner: str | None = Field(description="The desk that is responsible for the need now")
    owner_reason: OwnerReason | None
    owned_since: datetime | None
    owner_level: int = Field(description="The number of desks below this one that did not act in time")
    owner_seen_at: datetime | None = Field(description="When the owner last gave a sign of life")
    owner_due_at: datetime | None = Field(
        description="Deadline for the next sign of life; then the desk above becomes the owner"
    )
    owner_overdue_since: datetime | None = Field(
        description="Since when the deadline of the steward, the highest desk, has passed"
    )
    after_need_id: UUID | None = Field(description="The need that must be met first")


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class AssignBody(Body):
    """The new owner of the need."""

    owner: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,60}$")] = Field(
        description="A desk of the country pack, never a person's name", examples=["igm-shelter-desk"]
    )


class PrerequisiteBody(Body):
    """The prerequisite of the need."""

    need_id: UUID = Field(description="Another need of the same person, such as an identity document before a licence")


class CloseBody(Body):
    """Why the need is closed. Further codes of closed needs result from other steps."""

    reason: Literal[
        CloseReason.DUPLICATE,
        CloseReason.LEFT_THE_COUNTRY,
        CloseReason.DIED,
        CloseReason.LOST_CONTACT,
        CloseReason.NOT_A_NEED,
        CloseReason.NO_HELP_EXISTS,
    ] = Field(examples=["no_help_exists"])


class EndBody(Body):
    """Why the journey of this person ends."""

    reason: Literal[JourneyEnd.DIED, JourneyEnd.LEFT_THE_COUNTRY] = Field(examples=["left_the_country"])


class StepView(BaseModel):
    """One recorded step."""

    at: datetime
    step: str = Field(examples=["offer.accept"])
    led_to: str = Field(examples=["accepted"])
    actor: str
    reason: str | None
    need_id: UUID
    referral_id: UUID | None
    offer_id: UUID | None


class JourneyView(BaseModel):
    """Everything that referral knows about one returnee, limited to what the reader may see."""

    returnee_id: UUID
    case_code: str | None
    journey_ended_at: datetime | None = Field(
        description="When the journey ended; since then no needs of this person are routed"
    )
    journey_end_reason: JourneyEnd | None
    needs: list[NeedView]
    referrals: list[ReferralView]
    offers: list[OfferView]
    steps: list[StepView]
    trace_id: str | None = Field(description="The trace that began with the arrival")
