"""The ledger of places. The database enforces its constraints, independent of the code (DESIGN 5)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index
from sqlmodel import Field

from services.referral.database import Table, big, is_one_of, moment
from services.referral.places.rules import HoldStatus

FREE = """CASE WHEN closed OR NOT listed THEN 0
     ELSE greatest(0, least(maximum - held - taken, available - held - taken_uncounted)) END"""
"""How many places may still be held (DESIGN 5): not more than the maximum allows, and not more than the provider has
declared as available."""

UNCOUNTED = """(place_hold.status = 'taken' OR place_hold.used)
    AND CASE WHEN pool.accepted_left_out THEN place_hold.taken_at > pool.as_of
        ELSE coalesce(place_hold.begun_at > pool.as_of, true) END"""
"""True for a hold whose places are not yet subtracted from `available`: the service of its people had not begun when
the provider counted, or, if the provider subtracts accepted people too, they were not accepted yet (decision 0044)."""


class CapacityRow(Table, table=True):
    """The newest declaration of one provider service."""

    __tablename__ = "capacity"

    provider_service_id: UUID = Field(primary_key=True)
    organization_id: UUID
    version: int
    as_of: datetime = moment()


class PoolRow(Table, table=True):
    """Places of one kind at one service: declared by its provider, held and taken by the network.

    `ceiling` is the maximum, or the number of held and taken places if the maximum was lowered below it. Only a
    declaration, a release and the sweeper write it, so that no hold or take can raise held + taken above the maximum.
    """

    __tablename__ = "pool"
    __table_args__ = (
        CheckConstraint("held >= 0 AND taken >= 0 AND taken_uncounted >= 0 AND maximum >= 0", name="counts"),
        CheckConstraint("held + taken <= ceiling", name="never_above_ceiling"),
        CheckConstraint("ceiling >= maximum", name="ceiling_from_maximum"),
        Index("ix_pool_begins", "starts_on", postgresql_where="starts_on IS NOT NULL"),
    )

    pool_id: UUID = Field(primary_key=True)
    provider_service_id: UUID = Field(index=True)
    kind: str
    maximum: int
    ceiling: int
    available: int
    as_of: datetime = moment()
    starts_on: date | None = None
    ends_on: date | None = None
    held: int = 0
    taken: int = 0
    taken_uncounted: int = 0
    """Taken places that are not yet subtracted from the declared `available` (`UNCOUNTED`)."""
    accepted_left_out: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the provider has subtracted all people accepted by `as_of` from `available`, also those not begun yet."""
    closed: bool = False
    """True if a decline said that the pool is full. It accepts no holds until the next declaration."""
    listed: bool = True
    """False if the newest declaration does not name the pool."""
    freed_count: int = big(default=0)
    """Grows with each release, declaration and correction, and when the pool is no longer kept for one referral. A
    higher count shows the router that a queue may move."""


class SupplyTotalRow(Table, table=True):
    """How many changes of supply there were in a category, up to the last time that the router added them up. The empty
    category counts for all."""

    __tablename__ = "supply_total"

    category: str = Field(primary_key=True)
    changes: int = big()


class SupplyChangeRow(Table, table=True):
    """One change of supply since then: a declared or freed place, or a published service or organisation. Triggers of
    these tables insert it, so transactions that free places at the same time do not wait for each other."""

    __tablename__ = "supply_change"

    supply_change_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    category: str


class PlaceHoldRow(Table, table=True):
    """The places of one offer in one pool. This table shows which offers hold which places."""

    __tablename__ = "place_hold"
    __table_args__ = (
        CheckConstraint(is_one_of("status", HoldStatus), name="status"),
        CheckConstraint("place_count > 0", name="place_count"),
        Index("ix_place_hold_live", "pool_id", "offer_id", postgresql_where="status <> 'released'"),
        Index(
            "ix_place_hold_freed",
            "pool_id",
            "released_at",
            postgresql_where="taken_at IS NOT NULL AND released_at IS NOT NULL",
        ),
    )

    offer_id: UUID = Field(primary_key=True)
    pool_id: UUID = Field(primary_key=True)
    place_count: int
    status: str = HoldStatus.HELD
    held_at: datetime = moment()
    taken_at: datetime | None = moment(nullable=True)
    begun_at: datetime | None = moment(nullable=True)
    """When the service of the people in these places began."""
    released_at: datetime | None = moment(nullable=True)
    used: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the places were released after the service was given."""
    declared_as_of: datetime | None = moment(nullable=True)
    """The `as_of` of the declaration that was valid when the places were held. It proves later which maximum
    applied."""
    held_freed_count: int | None = big(default=None)
    """The pool's `freed_count` when the places were held. As long as this count does not change, no places are
    released and the maximum stays the same."""
    released_freed_count: int | None = big(default=None)
    """The pool's `freed_count` when the places were free again."""
    traceparent: str | None = None
