"""Needs as told at intake: ordinary ones in columns, restricted ones sealed, under names that only their key makes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index
from sqlmodel import Field

from libs.events.codes import NeedCategory, Urgency
from services.registration.database import Table, moment, one_of, sealed
from services.registration.needs.rules import NeedStatus, SecondNeedReason

OPEN = "status = 'reported' AND ended_at IS NULL AND second_reason IS NULL"
"""True for the one open need of its kind: not withdrawn, not ended at referral, no second one that a desk let stand."""


class Need(Table, table=True):
    """One need of a returnee, or of a household under its reference person."""

    __tablename__ = "need"
    __table_args__ = (
        one_of("category", list(NeedCategory), name="need_category"),
        one_of("urgency", list(Urgency), name="need_urgency"),
        one_of("status", list(NeedStatus), name="need_status"),
        CheckConstraint("people_count BETWEEN 1 AND 30", name="need_people_count"),
        CheckConstraint("people_count = 1 OR household_id IS NOT NULL", name="need_of_many_has_household"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="need_withdrawn_at"),
        CheckConstraint(
            f"second_reason IN ({', '.join(repr(one.value) for one in SecondNeedReason)})", name="need_second_reason"
        ),
        Index("need_of_returnee", "returnee_id", "id"),
        Index(
            "need_open_own", "returnee_id", "category", unique=True, postgresql_where=f"household_id IS NULL AND {OPEN}"
        ),
        Index(
            "need_open_of_household",
            "household_id",
            "category",
            unique=True,
            postgresql_where=f"household_id IS NOT NULL AND {OPEN}",
        ),
        Index("need_of_batch", "arrival_batch_id"),
    )

    id: UUID = Field(primary_key=True)
    need_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """Keyed hash of sender, person and the sender's reference of the need; makes a repeat recognisable."""
    returnee_id: UUID = Field(foreign_key="returnee.id")
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    arrival_batch_id: UUID | None = Field(default=None, foreign_key="arrival_batch.id")
    category: str
    urgency: str
    people_count: int
    after_need_id: UUID | None = Field(default=None, foreign_key="need.id")
    status: str
    reported_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When referral ended it: met, refused or closed. None once it is open again."""
    heard_as_of: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """Of what referral last told of its end or reopening: an older word changes nothing."""
    second_reason: str | None = None
    """Why a desk allowed it in addition to an open need of the same category, or None."""
    traceparent: str | None = None


class NeedRepeat(Table, table=True):
    """A need that was told again while it was open: what was said then. Its need is the one that stands."""

    __tablename__ = "need_repeat"
    __table_args__ = (one_of("urgency", list(Urgency), name="need_repeat_urgency"),)

    id: UUID = Field(primary_key=True)
    need_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """As the key of a need, by the reference that came with the repeat."""
    need_id: UUID = Field(foreign_key="need.id", index=True)
    urgency: str
    people_count: int
    reported_at: datetime = Field(sa_column=moment())


class RestrictedNeedRow(Table, table=True):
    """One restricted need. No column says whose it is, of which kind, from when, or in which state.

    Names are keyed hashes under the key of restricted needs; what was told is sealed under a data key of the person
    that this key wraps. The service's login may touch the table in the role of restricted needs only
    (`libs.chassis.logins`).
    """

    __tablename__ = "restricted_need"
    __table_args__ = (
        Index("restricted_need_of_owner", "owner"),
        Index("restricted_need_of_household", "household"),
        Index("restricted_need_of_batch", "batch"),
    )

    id: bytes = Field(sa_column=Column(sealed().type, primary_key=True))
    """Of the need's id."""
    told_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """Of the key that the need would have in `need`."""
    owner: UUID
    """Of the returnee, or of the reference person of the household."""
    household: bytes | None = Field(default=None, sa_column=sealed())
    batch: bytes | None = Field(default=None, sa_column=sealed())
    open_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """Of person or household and category while it is the one open need of its kind; None otherwise."""
    sealed: bytes = Field(sa_column=sealed(nullable=False))


class RestrictedRepeatRow(Table, table=True):
    """A restricted need that was told again while it was open."""

    __tablename__ = "restricted_repeat"

    id: bytes = Field(sa_column=Column(sealed().type, primary_key=True))
    """Of the id of the telling."""
    told_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    need: bytes = Field(
        sa_column=Column(
            sealed().type, ForeignKey("restricted_need.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    sealed: bytes = Field(sa_column=sealed(nullable=False))
