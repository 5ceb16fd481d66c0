"""Rows of people who must be kept apart."""

from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.referral.database import Table


class KeptApartRow(Table, table=True):
    """Two records whose people must be kept apart. It is not known which of them said so. The row is deleted when the
    exclusion ends, and when one of the two is erased."""

    __tablename__ = "kept_apart"
    __table_args__ = (CheckConstraint("first_returnee_id < second_returnee_id", name="two_people"),)

    exclusion_id: UUID = Field(primary_key=True)
    first_returnee_id: UUID = Field(index=True)
    second_returnee_id: UUID = Field(index=True)
