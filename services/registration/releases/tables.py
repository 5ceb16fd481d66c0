"""Releases of children."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, codes, moment, one_of, sealed
from services.registration.releases.rules import (
    Cancellation,
    NotHeard,
    Relation,
    RelativeShown,
    ReleaseStatus,
    Wish,
    Withdrawal,
)


class ChildRelease(Table, table=True):
    """One way of one child to one relative (domain P13). The relative and all words are sealed under the child's key.

    Columns that end with `_by` have the principals of the callers, which are compared: no one takes two of these steps.
    """

    __tablename__ = "child_release"
    __table_args__ = (
        one_of("status", list(ReleaseStatus), name="child_release_status"),
        one_of("relation", list(Relation), name="child_release_relation"),
        one_of("wish", list(Wish), name="child_release_wish"),
        one_of("not_heard_because", list(NotHeard), name="child_release_not_heard"),
        one_of("withdrawn_because", list(Withdrawal), name="child_release_withdrawn"),
        one_of("cancelled_because", list(Cancellation), name="child_release_cancelled"),
        one_of("relative_shown_by", list(RelativeShown), name="child_release_shown"),
        CheckConstraint("wish IS NULL OR not_heard_because IS NULL", name="child_release_one_view"),
        CheckConstraint(
            "status <> 'released' OR (view_at IS NOT NULL AND verified_at IS NOT NULL AND signed_at IS NOT NULL"
            " AND withdrawn_at IS NULL AND released_at IS NOT NULL)",
            name="child_release_complete",
        ),
        CheckConstraint(
            "verified_by <> named_by AND signed_by <> named_by AND signed_by <> verified_by"
            " AND released_by <> verified_by AND released_by <> signed_by",
            name="child_release_four_eyes",
        ),
        Index("child_release_of_returnee", "returnee_id", "id"),
        Index("child_release_open", "returnee_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("child_release_of_status", "status", "id"),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    status: str = ReleaseStatus.OPEN.value
    version: int = 1
    relation: str
    relative_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """The identity of the relative as JSON. None after an erasure, like all sealed columns."""
    relative_key: bytes | None = Field(default=None, sa_column=sealed())
    """The keyed hash of the words of the relative's names, for this child."""
    named_at: datetime = Field(sa_column=moment())
    named_by: str
    wish: str | None = None
    not_heard_because: str | None = None
    heard_by_sealed: bytes | None = Field(default=None, sa_column=sealed())
    heard_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    heard_language: str | None = None
    heard_words_sealed: bytes | None = Field(default=None, sa_column=sealed())
    view_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    view_by: str | None = None
    verified: list[str] = Field(default=[], sa_column=codes())
    verified_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    verified_by: str | None = None
    authority: str | None = None
    sign_off_reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    signed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    signed_by: str | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    withdrawn_because: str | None = None
    released_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    released_by: str | None = None
    released_to_place: str | None = None
    relative_shown_by: str | None = None
    cancelled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    cancelled_because: str | None = None
    cancelled_by: str | None = None
