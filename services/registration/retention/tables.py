"""How many rows of each kind have gone, by day. Nothing shows whose they were."""

from datetime import date

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.registration.database import Table, one_of
from services.registration.retention.rules import Gone


class RetentionDay(Table, table=True):
    """What has gone of one kind on one day (UTC), in one or more runs."""

    __tablename__ = "retention_day"
    __table_args__ = (
        one_of("kind", list(Gone), name="retention_day_kind"),
        CheckConstraint("gone_count > 0 AND runs_count > 0", name="retention_day_counts"),
    )

    day: date = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    gone_count: int
    runs_count: int
