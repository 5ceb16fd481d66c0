"""Households."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.registration.database import Table, moment


class Household(Table, table=True):
    """People who were registered together. Its members are the returnees that point to it."""

    __tablename__ = "household"
    __table_args__ = (CheckConstraint("expected_size BETWEEN 1 AND 30", name="household_expected_size"),)

    id: UUID = Field(primary_key=True)
    """Of a household that a sender refers to, a keyed hash of sender and reference: the same reference, the same id."""
    reference_returnee_id: UUID
    """Whose journey the household's needs belong to."""
    reference_told: bool = False
    """Whether the reference person has told a need of the household; until then who first tells one takes over."""
    expected_size: int
    stay_together: bool
    version: int
    organization_id: UUID | None = None
    created_at: datetime = Field(sa_column=moment())
