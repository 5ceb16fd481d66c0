"""Rows of households and arrival batches, as registration tells of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlmodel import Field

from services.referral.database import Table, array_of, moment


class HouseholdRow(Table, table=True):
    """Who belongs to a household and whether it wishes to stay together."""

    __tablename__ = "household"

    household_id: UUID = Field(primary_key=True)
    reference_returnee_id: UUID = Field(index=True)
    version: int
    member_ids: list[UUID] = array_of(Uuid())
    expected_size: int
    stay_together: bool


class ArrivalBatchRow(Table, table=True):
    """A flight or bus whose ordinary needs wait for one another until its intake is complete."""

    __tablename__ = "arrival_batch"

    arrival_batch_id: UUID = Field(primary_key=True)
    first_seen_at: datetime = moment()
    landed_at: datetime | None = moment(nullable=True)
    people_count: int | None = None
    returnees_expected: int | None = None
    """Counted by registration once every entry is registered or absent; None before."""
    needs_expected: int | None = None
    opened_at: datetime | None = moment(nullable=True)  # Since when its ordinary needs may be routed.
