"""The notifications of organisations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field

from services.notifications.database import MOMENT, NotificationsTable


class Notification(NotificationsTable, table=True):
    """The notification of one event for one organisation.

    Rows get their `position` when the organisation first reads them, not when they are written. Transactions commit in
    another order than they begin. With a number assigned at writing, a reader who remembers the last number could miss
    a row that was committed later.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index(
            "notification_position",
            "organization_id",
            "position",
            unique=True,
            postgresql_where=text("position IS NOT NULL"),
        ),
        Index("notification_unread", "organization_id", postgresql_where=text("position IS NULL")),
        Index("notification_of_restricted_offer", "offer_id", postgresql_where=text("restricted")),
        Index("notification_age", "stored_at", postgresql_using="brin"),
    )

    message_id: UUID = Field(primary_key=True)
    """The event's id, the same as the `webhook-id` of its deliveries."""
    organization_id: UUID
    event_type: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    """The body that a webhook would carry."""
    offer_id: UUID | None = None
    restricted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """It is about an offer of a restricted service: it can be read only with `restricted:read`."""
    position: int | None = Field(default=None, sa_type=BigInteger)
    """Counts from 1 per organisation, without gaps, in the order in which rows became visible."""
    created_at: datetime = Field(sa_type=MOMENT)
    """On the installation's clock."""
    stored_at: datetime | None = Field(
        default=None, nullable=False, sa_type=MOMENT, sa_column_kwargs={"server_default": text("now()")}
    )
    """Real time, for retention."""


class InboxCounter(NotificationsTable, table=True):
    """The last position that was assigned in an organisation's inbox. Positions are assigned under a lock on its row.

    It is a table of its own, because notifications are deleted after a time and positions must not start from 1 again.
    """

    __tablename__ = "inbox_counter"

    organization_id: UUID = Field(primary_key=True)
    last_position: int = Field(sa_type=BigInteger)
