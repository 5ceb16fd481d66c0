"""Bodies and views of declared capacity."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from libs.wire.values import Day, Flag, Moment, Whole
from services.provider_directory.capacity import rules
from services.provider_directory.listings.schemas import Code
from services.provider_directory.organizations.schemas import Body


class PoolBody(Body):
    """Places of one kind at the service."""

    id: UUID
    """Chosen by the provider; the same pool keeps its id in every declaration."""
    kind: Code = Field(examples=["adult_beds"])
    maximum: Whole = Field(ge=0, le=1_000_000)
    available: Whole = Field(ge=0, le=1_000_000)
    """Places free at `as_of`. Count as in use whoever is there, not who is still to come: see `accepted_left_out`.
    0: full, nothing new is placed."""
    starts_on: Day | None = None
    ends_on: Day | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.available > self.maximum:
            raise PydanticCustomError("available-above-maximum", "must not have more available than the maximum")
        if self.starts_on and self.ends_on and self.starts_on > self.ends_on:
            raise PydanticCustomError("ends-before-start", "must not end before it starts")
        return self


class CapacityBody(Body):
    """One declaration: all pools of the service. A pool that is left out takes nobody any more."""

    as_of: Moment | None = None
    """When the figures were right. Left out: now."""
    accepted_left_out: Flag = False
    """True if `available` leaves out everybody whom you had accepted by `as_of`, also those who have not come yet.
    False: the network subtracts them until you count anew after you have started them."""
    pools: list[PoolBody] = Field(max_length=100)

    @field_validator("pools")
    @classmethod
    def _each_once(cls, pools: list[PoolBody]) -> list[PoolBody]:
        if rules.repeated([pool.id for pool in pools]):
            raise PydanticCustomError("pool-repeated", "must not name one pool twice")
        return pools


class PoolView(BaseModel):
    """Places of one kind at the service, as they stand."""

    id: UUID
    kind: str
    maximum: int
    available: int
    starts_on: date | None
    ends_on: date | None


class CapacityView(BaseModel):
    """What stands: the last declaration, and how far the provider's figures are trusted."""

    provider_service_id: UUID
    organization_id: UUID
    version: int
    as_of: datetime
    declared_at: datetime
    accepted_left_out: bool
    """True if `available` leaves out those who were accepted and are still to come."""
    pools: list[PoolView]
    trust: float = Field(gt=0, le=1)
    """The share of the latest declarations that no refusal as full proved wrong; a newcomer starts at 1."""
    said_full_at: datetime | None
    """When an offer was last refused as full against what stands; none since the provider declared anew."""
    refresh_requested_at: datetime | None
    """When a refusal as full made the network ask for new figures; none once they were declared."""
