"""What has been told of each arrival."""

from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.registration.database import Table


class ArrivalTold(Table, table=True):
    """By which a repeat of an arrival is known from more that is told of the person, and from another person."""

    __tablename__ = "arrival_told"

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    facts: list[bytes] = Field(sa_column=Column(ARRAY(LargeBinary), nullable=False))
    """A keyed hash of each fact that has been told; gone with the person."""
