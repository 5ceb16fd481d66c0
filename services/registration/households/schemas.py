"""Bodies and views of households."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.registration.people.schemas import Body


@dataclass(frozen=True, slots=True)
class Joining:
    """A person who joins a household, or founds it."""

    household_id: UUID
    returnee_id: UUID
    expected_size: int
    stay_together: bool
    tells_household_need: bool
    organization_id: UUID | None


@dataclass(frozen=True, slots=True)
class HouseholdState:
    """A household after a change, with its members."""

    id: UUID
    reference_returnee_id: UUID
    version: int
    expected_size: int
    stay_together: bool
    member_ids: Sequence[UUID]
    traceparent: str | None
    """The trace of the reference person's journey."""


class HouseholdBody(Body):
    """A household that is put together at the desk."""

    reference_returnee_id: UUID
    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=30)]
    """All members, the reference person among them."""
    expected_size: Annotated[int, Field(ge=1, le=30)]
    stay_together: bool = True


class HouseholdCorrection(Body):
    """What changes of a household; what is left out stays."""

    reference_returnee_id: UUID | None = None
    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=30)] | None = None
    expected_size: Annotated[int, Field(ge=1, le=30)] | None = None
    stay_together: bool | None = None


class HouseholdView(BaseModel):
    """A household."""

    id: UUID
    version: int
    reference_returnee_id: UUID
    member_ids: list[UUID]
    expected_size: int
    stay_together: bool
