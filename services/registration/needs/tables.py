"""Reported needs: ordinary ones in columns; restricted ones sealed, in rows whose ids can only be calculated with their
key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from libs.events.codes import Urgency
from libs.events.detail_values import DetailValue
from services.registration.database import Table, codes, moment, one_of, sealed
from services.registration.needs.rules import NeedStatus, SecondNeedReason

OPEN = "status = 'reported' AND ended_at IS NULL AND second_reason IS NULL"
"""The condition for the one open need of its category and kind: not withdrawn, not ended at referral, and not a second
need that a desk allowed."""


class Need(Table, table=True):
    """One need of a returnee, or of a household under its reference person."""

    __tablename__ = "need"
    __table_args__ = (
        one_of("urgency", list(Urgency), name="need_urgency"),
        one_of("status", list(NeedStatus), name="need_status"),
        CheckConstraint("people_count BETWEEN 1 AND 30", name="need_people_count"),
        CheckConstraint("people_count = 1 OR household_id IS NOT NULL", name="need_of_many_has_household"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="need_withdrawn_at"),
        CheckConstraint(
            f"second_reason IN ({', '.join(repr(one.value) for one in SecondNeedReason)})", name="need_second_reason"
        ),
        CheckConstraint("kind IS NOT NULL OR detail_values = '{}'", name="need_details_of_kind"),
        Index("need_of_returnee", "returnee_id", "id"),
        Index(
            "need_open_own",
            "returnee_id",
            "category",
            "kind",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=f"household_id IS NULL AND {OPEN}",
        ),
        Index(
            "need_open_of_household",
            "household_id",
            "category",
            "kind",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=f"household_id IS NOT NULL AND {OPEN}",
        ),
        Index("need_of_batch", "arrival_batch_id"),
    )

    id: UUID = Field(primary_key=True)
    need_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """The keyed hash of sender, person and the sender's reference of the need. It makes a repetition recognisable."""
    returnee_id: UUID = Field(foreign_key="returnee.id")
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    arrival_batch_id: UUID | None = Field(default=None, foreign_key="arrival_batch.id")
    category: str
    kind: str | None = None
    """A kind of the country pack's taxonomy; None if only the category is known."""
    detail_values: dict[str, DetailValue] = Field(
        default={}, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )
    """The values of coded details of the kind, by detail."""
    urgency: str
    people_count: int
    after_need_id: UUID | None = Field(default=None, foreign_key="need.id")
    status: str
    reported_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When referral ended it: met, refused or closed. None if it is open or open again."""
    heard_as_of: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """The time of the last event of referral about its end or reopening. An older event changes nothing."""
    second_reason: str | None = None
    """Why a desk allowed it in addition to an open need of the same category and kind, or None."""
    traceparent: str | None = None


class NeedRepeat(Table, table=True):
    """A repeated report of a need that was already open. Its need is the existing one."""

    __tablename__ = "need_repeat"
    __table_args__ = (one_of("urgency", list(Urgency), name="need_repeat_urgency"),)

    id: UUID = Field(primary_key=True)
    need_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """Like the key of a need, with the reference that came with the repetition."""
    need_id: UUID = Field(foreign_key="need.id", index=True)
    urgency: str
    people_count: int
    reported_at: datetime = Field(sa_column=moment())


class NeedOrigin(Table, table=True):
    """A rule of an instrument from which a need follows. It names questions and contains no answer."""

    __tablename__ = "need_origin"

    need_id: UUID = Field(sa_column=Column(ForeignKey("need.id", ondelete="CASCADE"), primary_key=True, nullable=False))
    instrument: str = Field(primary_key=True)
    rule: str = Field(primary_key=True)
    instrument_version: int
    questions: list[str] = Field(sa_column=codes())
    stale_since: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """Since when the present answers do not lead to the need any more. Only a person withdraws it."""


class RestrictedNeedRow(Table, table=True):
    """One restricted need. No column shows whose it is, its kind, its time or its state.

    The ids of rows are keyed hashes with the key of restricted needs. The data are sealed with a data key of the
    person, which this key encrypts. The service's login can use the table only in the role of restricted needs
    (`libs.chassis.logins`).
    """

    __tablename__ = "restricted_need"
    __table_args__ = (
        Index("restricted_need_of_owner", "owner"),
        Index("restricted_need_of_household", "household"),
        Index("restricted_need_of_batch", "batch"),
    )

    id: bytes = Field(sa_column=Column(sealed().type, primary_key=True))
    """The keyed hash of the need's id."""
    told_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """The keyed hash of the key that the need would have in `need`."""
    owner: UUID
    """The keyed id of the returnee, or of the reference person of the household."""
    household: bytes | None = Field(default=None, sa_column=sealed())
    batch: bytes | None = Field(default=None, sa_column=sealed())
    open_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    """The keyed hash of person or household, category and kind, while it is the one open need of these; None
    otherwise."""
    sealed: bytes = Field(sa_column=sealed(nullable=False))


class RestrictedRepeatRow(Table, table=True):
    """A repeated report of a restricted need that was already open."""

    __tablename__ = "restricted_repeat"

    id: bytes = Field(sa_column=Column(sealed().type, primary_key=True))
    """The keyed hash of the id of the report."""
    told_key: bytes | None = Field(default=None, sa_column=Column(sealed().type, nullable=True, unique=True))
    need: bytes = Field(
        sa_column=Column(
            sealed().type, ForeignKey("restricted_need.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    sealed: bytes = Field(sa_column=sealed(nullable=False))
