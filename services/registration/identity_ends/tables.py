"""The clock of identity data, and its extensions. They contain ids, codes and times only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, one_of
from services.registration.identity_ends.rules import ExtensionReason

_DUE = text("due_since IS NOT NULL")


class IdentityClock(Table, table=True):
    """The clock of one record. It is created when the days after the registration are over, because nobody is due
    before."""

    __tablename__ = "identity_clock"
    __table_args__ = (
        Index("identity_clock_in_order", "registered_at", "returnee_id"),
        Index("identity_clock_to_check", "counts_from", "returnee_id", postgresql_where=text("due_since IS NULL")),
        Index("identity_clock_due", "due_since", "returnee_id", postgresql_where=_DUE),
        Index("identity_clock_to_check_again", "checked_at", "returnee_id", postgresql_where=_DUE),
    )

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    registered_at: datetime = Field(sa_column=moment())
    counts_from: datetime = Field(sa_column=moment())
    """Known at the last check; something may have happened since."""
    checked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    due_since: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the person came on the list; None: not on it."""


class RetentionExtension(Table, table=True):
    """The decision to keep the identity data of a person longer."""

    __tablename__ = "retention_extension"
    __table_args__ = (
        one_of("reason", list(ExtensionReason), name="retention_extension_reason"),
        Index("retention_extension_of_returnee", "returnee_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    reason: str
    until: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str
