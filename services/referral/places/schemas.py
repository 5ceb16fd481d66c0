"""The views of the ledger."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.referral.places.rules import HoldStatus


class PoolView(BaseModel):
    """Places of one kind at one service, with the numbers of held and taken places."""

    pool_id: UUID
    provider_service_id: UUID
    organization_id: UUID
    category: str
    kind: str = Field(examples=["adult_beds"])
    maximum: int
    available: int = Field(description="As the provider declared it")
    as_of: datetime = Field(description="When the provider declared it")
    held: int = Field(description="Held by offers that wait for an answer")
    taken: int = Field(description="Taken by accepted offers")
    taken_uncounted: int = Field(
        description="Taken by people whose service had not started when the provider counted. `available` still"
        " includes these places, so they are subtracted from it until a declaration is made after the start"
    )
    free: int = Field(description="The number of places that the network may still hold now")
    closed: bool = Field(description="A provider has answered `full`; no places are held until the next declaration")
    over_committed: bool = Field(
        default=False, description="The maximum was lowered below the number of held and taken places"
    )
    starts_on: date | None
    ends_on: date | None


class HoldView(BaseModel):
    """The places of one offer in a pool."""

    offer_id: UUID
    referral_id: UUID
    case_code: str = Field(description="The code that identifies the person outside registration")
    place_count: int
    status: HoldStatus
    since: datetime = Field(description="When they were held, taken or released")
