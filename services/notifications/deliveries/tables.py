"""Deliveries and the log of their attempts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from services.notifications.database import MOMENT, NotificationsTable, one_of
from services.notifications.deliveries.rules import BODY_BYTES_MAX, AttemptFault, DeliveryStatus


class Delivery(NotificationsTable, table=True):
    """The delivery of one notification to one endpoint.

    It has no foreign key to `endpoint`. Rows are only created by a join with endpoints, and the rows of endpoints are
    kept. The check of a foreign key would lock the row of a busy endpoint once per delivery and partition.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(one_of("status", DeliveryStatus), name="delivery_status"),
        CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="delivery_pending_is_due"),
        CheckConstraint("(status = 'sending') = (lease_until IS NOT NULL)", name="delivery_sending_has_lease"),
        CheckConstraint("attempt_count >= attempts_before_replay", name="delivery_attempts"),
        CheckConstraint(f"octet_length(body) <= {BODY_BYTES_MAX}", name="delivery_body_is_thin"),
        UniqueConstraint("message_id", "endpoint_id", name="delivery_once_per_endpoint"),
        Index("delivery_due", "endpoint_id", "due_at", postgresql_where=text("status = 'pending'")),
        Index("delivery_leased", "lease_until", postgresql_where=text("status = 'sending'")),
        Index("delivery_of_organization", "organization_id", "created_at", "id"),
        Index("delivery_age", "stored_at", postgresql_using="brin"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("gen_random_uuid()")})
    message_id: UUID
    """The event's id: the `webhook-id` of every attempt, the same at all endpoints and in the inbox."""
    endpoint_id: UUID
    organization_id: UUID
    event_type: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    """The exact text that is signed and sent, the same in every attempt."""
    status: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'pending'")})
    due_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """When the next attempt may be made, on the installation's clock."""
    lease_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """The sender must record the attempt before this moment, in real time. After it the delivery is sent again."""
    attempt_count: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    attempts_before_replay: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """The number of attempts that the retry schedule does not count, because the delivery was replayed after them."""
    created_at: datetime = Field(sa_type=MOMENT)
    finished_at: datetime | None = Field(default=None, sa_type=MOMENT)
    journey_id: UUID | None = None
    traceparent: str | None = Field(default=None, sa_type=Text)
    restricted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """It is about an offer of a restricted service: its log can be read only with `restricted:read`."""
    stored_at: datetime | None = Field(
        default=None, nullable=False, sa_type=MOMENT, sa_column_kwargs={"server_default": text("now()")}
    )
    """Real time, for retention."""


class Attempt(NotificationsTable, table=True):
    """One attempt of a delivery: its result and duration, never the text of the receiver's response."""

    __tablename__ = "attempt"
    __table_args__ = (
        ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="attempt_of_delivery", ondelete="CASCADE"),
        CheckConstraint(one_of("fault", AttemptFault), name="attempt_fault"),
        CheckConstraint("status_code BETWEEN 100 AND 999", name="attempt_status_code"),
    )

    delivery_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    """From 1."""
    at: datetime = Field(sa_type=MOMENT)
    """When it was recorded, on the installation's clock."""
    duration_ms: int | None = None
    """Real milliseconds from the look-up of the host's address to the end of the response."""
    status_code: int | None = None
    fault: str | None = Field(default=None, sa_type=Text)
