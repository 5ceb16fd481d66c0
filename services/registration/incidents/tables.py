"""Incidents. They contain codes, ids and times, and nobody whose data were affected."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Uuid
from sqlmodel import Field

from services.registration.database import Table, codes, moment, one_of
from services.registration.incidents.rules import IncidentKind, IncidentStatus, NotRequired
from services.registration.protection import Duty


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


class IncidentDuty(Table, table=True):
    """One duty of one incident. Every incident has a row for each duty, whether the pack sets a time or not."""

    __tablename__ = "incident_duty"
    __table_args__ = (
        one_of("duty", list(Duty), name="incident_duty_known"),
        one_of("not_required_because", list(NotRequired), name="incident_duty_reason"),
        CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="incident_duty_settled"),
        CheckConstraint("not_required_because IS NULL OR settled_at IS NOT NULL", name="incident_duty_not_required"),
    )

    incident_id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("incident.id"), primary_key=True))
    duty: str = Field(primary_key=True)
    half_time_warned_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the watcher warned in this stage; None: not yet."""
    overdue_warned_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    settled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When it was recorded that the duty is done, or does not exist. This ends the watch."""
    settled_by: str | None = None
    not_required_because: str | None = None
    """None if the duty is done."""
