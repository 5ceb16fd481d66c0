"""Incidents. They contain codes, ids and times, and nobody whose data were affected."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.registration.database import Table, codes, moment, one_of
from services.registration.incidents.rules import IncidentKind, IncidentStatus


class Incident(Table, table=True):
    """One incident (domain P23)."""

    __tablename__ = "incident"
    __table_args__ = (
        one_of("kind", list(IncidentKind), name="incident_kind"),
        one_of("status", list(IncidentStatus), name="incident_status"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="incident_closed"),
        CheckConstraint("ended_at >= began_at", name="incident_times"),
        Index("incident_of_status", "status", "id"),
    )

    id: UUID = Field(primary_key=True)
    kind: str
    status: str = IncidentStatus.OPEN.value
    version: int = 1
    client_id: str | None = None
    """The client through which it happened, if that is known; in the same way `who` and `organization_id`."""
    who: str | None = None
    organization_id: UUID | None = None
    began_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    known_at: datetime = Field(sa_column=moment())
    """When it became known: from then on the time for the duties counts."""
    measures: list[str] = Field(sa_column=codes())
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_by: str | None = None
