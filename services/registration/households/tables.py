"""Households."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, one_of
from services.registration.households.rules import ClaimDecision, ClaimReason


class Household(Table, table=True):
    """People who were registered together. Its members are the returnees that point to it."""

    __tablename__ = "household"
    __table_args__ = (CheckConstraint("expected_size BETWEEN 1 AND 30", name="household_expected_size"),)

    id: UUID = Field(primary_key=True)
    """For a household that a sender refers to: a keyed hash of the reference and of its scope. The same reference
    within one batch, or of one sender within one day, gives the same id."""
    reference_returnee_id: UUID
    """The member to whose journey the household's needs belong."""
    reference_told: bool = False
    """Whether the reference person has reported a need of the household. While it is false, the first member who
    reports one becomes the reference person."""
    expected_size: int
    told_size: int | None = None
    """The number of members that the first members or a desk have stated; None if nobody has."""
    stay_together: bool
    version: int
    organization_id: UUID | None = None
    created_at: datetime = Field(sa_column=moment())


class HouseholdClaim(Table, table=True):
    """A person names a household and is not its member: staff have to decide whether they belong together."""

    __tablename__ = "household_claim"
    __table_args__ = (
        one_of("reason", list(ClaimReason), name="household_claim_reason"),
        one_of("decision", list(ClaimDecision), name="household_claim_decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="household_claim_decided"),
        Index("household_claim_open", "returnee_id", unique=True, postgresql_where=text("decided_at IS NULL")),
        Index("household_claim_of_household", "household_id", postgresql_where=text("decided_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    household_id: UUID = Field(foreign_key="household.id")
    returnee_id: UUID = Field(foreign_key="returnee.id")
    reason: str
    told_size: int | None = None
    """The size that this person stated."""
    claimed_at: datetime = Field(sa_column=moment())
    decision: str | None = None
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_by: str | None = None
