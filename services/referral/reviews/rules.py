"""The states of a review. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from libs.events.people_codes import AgeBasis, AgeGroup


class ReviewStatus(StrEnum):
    """The states of a review."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RESOLVED = "resolved"
    """A person has examined a broken promise."""


@dataclass(frozen=True, slots=True)
class AgeDecision:
    """What a desk decided about the age of a person."""

    returnee_id: UUID
    group: AgeGroup
    """`unsure`: the desk could not settle it, and the person is placed neither among children nor among adults."""
    basis: AgeBasis


@dataclass(frozen=True, slots=True)
class ReviewDecided:
    """The end of a referral's pending review."""

    referral_id: UUID
    status: ReviewStatus
    actor: str
    age: AgeDecision | None = None
    """What was decided, if a desk decided about an age."""
