"""What the ledger shows."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.referral.places.rules import HoldStatus


class PoolView(BaseModel):
    """Places of one kind at one service, with what the network holds and has taken of them."""

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
        description="Taken by people who had not begun when the provider counted, so that `available` does not know of"
        " them: subtracted from it until it is declared anew after they have"
    )
    free: int = Field(description="What the network may still hold now")
    closed: bool = Field(description="Declared full by an answer; takes nothing until the next declaration")
    over_committed: bool = Field(default=False, description="The maximum was lowered below what is held and taken")
    starts_on: date | None
    ends_on: date | None


class HoldView(BaseModel):
    """The places of one offer in a pool."""

    offer_id: UUID
    referral_id: UUID
    case_code: str = Field(description="What the person is called outside registration")
    place_count: int
    status: HoldStatus
    since: datetime = Field(description="Since when they are held, taken or released")
