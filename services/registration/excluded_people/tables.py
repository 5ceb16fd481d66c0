"""Private people whom a person excludes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.registration.database import Table, moment, sealed


class ExcludedPerson(Table, table=True):
    """One private person who must learn nothing (domain P8): a name, a person registered here, or both. The row is
    deleted when the person ends the exclusion."""

    __tablename__ = "excluded_person"
    __table_args__ = (
        CheckConstraint("has_name OR other_returnee_id IS NOT NULL", name="excluded_person_is_somebody"),
        CheckConstraint("other_returnee_id <> returnee_id", name="excluded_person_is_another"),
        Index("excluded_person_of_returnee", "returnee_id", "id"),
        Index(
            "excluded_person_is_returnee", "other_returnee_id", postgresql_where=text("other_returnee_id IS NOT NULL")
        ),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    other_returnee_id: UUID | None = Field(default=None, foreign_key="returnee.id")
    """The excluded person's own record, if there is one."""
    has_name: bool
    told_sealed: bytes = Field(sa_column=sealed(nullable=False))
    """Name, relation and reason as JSON, under the key of the person who excludes."""
    told_at: datetime = Field(sa_column=moment())
