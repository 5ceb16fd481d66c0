"""What each organisation has been told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field

from services.notifications.database import MOMENT, NotificationsTable


class Notification(NotificationsTable, table=True):
    """What one organisation is told of one event.

    Rows get their `position` when the organisation first reads them, not when they are written: transactions commit
    in another order than they begin, and a number given at writing would let a reader who remembers the last one pass
    over a row that was committed later.
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
    """What a webhook would carry."""
    offer_id: UUID | None = None
    restricted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """It is about an offer of a restricted service: read with `restricted:read` only."""
    position: int | None = Field(default=None, sa_type=BigInteger)
    """From 1 per organisation, without gaps, in the order in which rows became visible."""
    created_at: datetime = Field(sa_type=MOMENT)
    """On the installation's clock."""
    stored_at: datetime | None = Field(
        default=None, nullable=False, sa_type=MOMENT, sa_column_kwargs={"server_default": text("now()")}
    )
    """Real time, for retention."""


class InboxCounter(NotificationsTable, table=True):
    """The last position that an organisation's inbox has given out; its row is the lock under which more are given.

    Kept apart from the notifications, because those age out and positions must not start anew.
    """

    __tablename__ = "inbox_counter"

    organization_id: UUID = Field(primary_key=True)
    last_position: int = Field(sa_type=BigInteger)
