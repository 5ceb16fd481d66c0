"""Webhook endpoints and their sealed secrets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field

from services.notifications.database import MOMENT, NotificationsTable, one_of
from services.notifications.endpoints.rules import DisabledReason, EndpointStatus


class Endpoint(NotificationsTable, table=True):
    """A webhook endpoint of one organisation. The row of a deleted endpoint is kept, so that its deliveries can be
    read; its URL and secrets are deleted."""

    __tablename__ = "endpoint"
    __table_args__ = (
        CheckConstraint(one_of("status", EndpointStatus), name="endpoint_status"),
        CheckConstraint(one_of("disabled_reason", DisabledReason), name="endpoint_disabled_reason"),
        CheckConstraint("(status = 'disabled') = (disabled_reason IS NOT NULL)", name="endpoint_disabled_has_reason"),
        CheckConstraint("(status = 'deleted') = (url IS NULL)", name="endpoint_url_until_deleted"),
        CheckConstraint("version >= 1", name="endpoint_version"),
        Index("endpoint_of_organization", "organization_id", "id", postgresql_where=text("status <> 'deleted'")),
        Index("endpoint_failing", "failing_since", "id", postgresql_where=text("failing_since IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    url: str | None = Field(sa_type=Text)
    event_types: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    """Only these types are sent; None: all."""
    status: str = Field(sa_type=Text)
    disabled_reason: str | None = Field(default=None, sa_type=Text)
    failing_since: datetime | None = Field(default=None, sa_type=MOMENT)
    """The first failed attempt since the last successful one."""
    paused_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """The receiver has asked for a pause (429 or 503 with Retry-After)."""
    version: int
    created_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)


class EndpointSecret(NotificationsTable, table=True):
    """One signing secret of an endpoint, sealed. The newest has no end; the previous one signs until the overlap
    ends."""

    __tablename__ = "endpoint_secret"
    __table_args__ = (
        Index("endpoint_secret_current", "endpoint_id", unique=True, postgresql_where=text("signs_until IS NULL")),
        Index("endpoint_secret_of_endpoint", "endpoint_id"),
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID = Field(foreign_key="endpoint.id", ondelete="CASCADE")
    sealed: bytes = Field(sa_type=LargeBinary)
    signs_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """In real time, because receivers check the age of a signature with real clocks."""
