"""What needs and a returnee's journey look like over HTTP."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import CloseReason, JourneyEnd, NeedCategory, OwnerReason, Urgency
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
    urgency: Urgency
    people_count: int
    status: NeedStatus
    reported_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    owner: str | None = Field(description="The desk that answers for it now")
    owner_reason: OwnerReason | None
    owned_since: datetime | None
    owner_level: int = Field(description="How many desks below this one were silent")
    owner_seen_at: datetime | None = Field(description="When the owner last gave a sign of life")
    owner_due_at: datetime | None = Field(description="By when the next sign is due, or the desk above answers")
    owner_overdue_since: datetime | None = Field(description="Since when the steward's desk, the last one, is silent")
    after_need_id: UUID | None = Field(description="The need that has to be met first")


class Body(BaseModel):
    """A closed body."""

    model_config = ConfigDict(extra="forbid")


class AssignBody(Body):
    """Who answers for the need from now on."""

    owner: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,60}$")] = Field(
        description="A desk of the country pack, never a person's name", examples=["igm-shelter-desk"]
    )


class PrerequisiteBody(Body):
    """What has to be met first."""

    need_id: UUID = Field(description="Another need of the same person, such as an identity document before a licence")


class CloseBody(Body):
    """Why the need ends. Other codes of closed needs follow from other steps."""

    reason: Literal[
        CloseReason.DUPLICATE,
        CloseReason.LEFT_THE_COUNTRY,
        CloseReason.DIED,
        CloseReason.LOST_CONTACT,
        CloseReason.NOT_A_NEED,
        CloseReason.NO_HELP_EXISTS,
    ] = Field(examples=["no_help_exists"])


class EndBody(Body):
    """Why nothing is to be routed for this person any more."""

    reason: Literal[JourneyEnd.DIED, JourneyEnd.LEFT_THE_COUNTRY] = Field(examples=["left_the_country"])


class StepView(BaseModel):
    """One line of the record."""

    at: datetime
    step: str = Field(examples=["offer.accept"])
    led_to: str = Field(examples=["accepted"])
    actor: str
    reason: str | None
    need_id: UUID
    referral_id: UUID | None
    offer_id: UUID | None


class JourneyView(BaseModel):
    """All that referral knows of one returnee, as far as the reader may know it."""

    returnee_id: UUID
    case_code: str | None
    journey_ended_at: datetime | None = Field(description="Since when nothing is routed for this person any more")
    journey_end_reason: JourneyEnd | None
    needs: list[NeedView]
    referrals: list[ReferralView]
    offers: list[OfferView]
    steps: list[StepView]
    trace_id: str | None = Field(description="The trace that began with the arrival")
