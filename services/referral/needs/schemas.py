"""What needs and a returnee's journey look like over HTTP."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory, OwnerReason, Urgency
from services.referral.journeys.rules import NeedStatus
from services.referral.offers.schemas import OfferView
from services.referral.referrals.schemas import ReferralView


class CloseReason(StrEnum):
    """Why a named person ends a need that was neither met nor refused."""

    DUPLICATE = "duplicate"
    LEFT_THE_COUNTRY = "left_the_country"
    DIED = "died"
    LOST_CONTACT = "lost_contact"
    NOT_A_NEED = "not_a_need"
    NO_HELP_EXISTS = "no_help_exists"


class NeedView(BaseModel):
    """One need."""

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


class CloseBody(Body):
    """Why the need ends."""

    reason: CloseReason


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
    needs: list[NeedView]
    referrals: list[ReferralView]
    offers: list[OfferView]
    steps: list[StepView]
    trace_id: str | None = Field(description="The trace that began with the arrival")
