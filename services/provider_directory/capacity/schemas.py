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
    """Chosen by the provider; a pool has the same id in every declaration."""
    kind: Code = Field(examples=["adult_beds"])
    maximum: Whole = Field(ge=0, le=1_000_000)
    available: Whole = Field(ge=0, le=1_000_000)
    """Places free at `as_of`. Count people who are there as using a place, not people who have not arrived yet: see
    `accepted_left_out`. 0: full, no new offers are made."""
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
    """One declaration: all pools of the service. A pool that is missing accepts nobody any more."""

    as_of: Moment | None = None
    """The time at which the figures were counted. Default: now."""
    accepted_left_out: Flag = False
    """True if everybody whom you had accepted by `as_of` is already subtracted from `available`, also people who have
    not arrived yet. False: the network subtracts them until you count again after you have reported their start."""
    pools: list[PoolBody] = Field(max_length=100)

    @field_validator("pools")
    @classmethod
    def _each_once(cls, pools: list[PoolBody]) -> list[PoolBody]:
        if rules.repeated([pool.id for pool in pools]):
            raise PydanticCustomError("pool-repeated", "must not name one pool twice")
        return pools


class PoolView(BaseModel):
    """Places of one kind at the service, as currently declared."""

    id: UUID
    kind: str
    maximum: int
    available: int
    starts_on: date | None
    ends_on: date | None


class CapacityView(BaseModel):
    """The current declaration, and how reliable the provider's figures are."""

    provider_service_id: UUID
    organization_id: UUID
    version: int
    as_of: datetime
    declared_at: datetime
    accepted_left_out: bool
    """True if accepted people who have not arrived yet are already subtracted from `available`."""
    pools: list[PoolView]
    trust: float = Field(gt=0, le=1)
    """The share of the latest declarations that were not contradicted by the answer `full`; starts at 1."""
    said_full_at: datetime | None
    """When an offer was last declined as `full` despite the current declaration; null after a new declaration."""
    refresh_requested_at: datetime | None
    """When the network requested new figures after an answer `full`; null once they were declared."""
