"""Rows of households and arrival batches, as registration publishes them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlmodel import Field

from services.referral.database import Table, array_of, moment


class HouseholdRow(Table, table=True):
    """The members of a household, and whether they want to stay together."""

    __tablename__ = "household"

    household_id: UUID = Field(primary_key=True)
    reference_returnee_id: UUID = Field(index=True)
    version: int
    member_ids: list[UUID] = array_of(Uuid())
    expected_size: int
    stay_together: bool


class ArrivalBatchRow(Table, table=True):
    """A flight or bus. Its normal needs wait until its intake is complete, and are then routed together."""

    __tablename__ = "arrival_batch"

    arrival_batch_id: UUID = Field(primary_key=True)
    first_seen_at: datetime = moment()
    landed_at: datetime | None = moment(nullable=True)
    people_count: int | None = None
    returnees_expected: int | None = None
    """Counted by registration when every manifest entry is registered or absent. None before."""
    needs_expected: int | None = None
    opened_at: datetime | None = moment(nullable=True)  # Since when its normal needs may be routed.
