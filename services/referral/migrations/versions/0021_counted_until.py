"""Needs are counted in statistics only as long as their returnee consents to it."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_OPEN = "status = 'open' AND owner IS NOT NULL AND owner_reason NOT IN ('report_overdue', 'stay_ending')"
_ENDED = "status = 'closed' AND end_reason IN ('died', 'left_the_country', 'lost_contact', 'no_help_exists')"
_OPEN_COLUMNS, _ENDED_COLUMNS = "restricted, category, area, owner_reason", "restricted, category, area, end_reason"


def upgrade() -> None:
    """Set the date from the stored consents. A replay of registration's log adds the others."""
    op.execute("ALTER TABLE need ADD COLUMN counted_until TIMESTAMP WITH TIME ZONE")
    op.execute(
        """
        UPDATE need SET counted_until = greatest((consents ->> 'statistics:statistics_office')::timestamptz,
                                                 (consents ->> 'statistics:network_staff')::timestamptz)
        FROM journey WHERE journey.returnee_id = need.returnee_id
        """
    )
    _index(f"{_OPEN_COLUMNS}, counted_until", f"{_ENDED_COLUMNS}, counted_until")


def downgrade() -> None:
    """Remove the column and restore the earlier indexes."""
    _index(_OPEN_COLUMNS, _ENDED_COLUMNS)
    op.execute("ALTER TABLE need DROP COLUMN counted_until")


def _index(columns_of_open: str, columns_of_ended: str) -> None:
    op.execute("DROP INDEX ix_need_unmet_open")
    op.execute("DROP INDEX ix_need_unmet_ended")
    op.execute(f"CREATE INDEX ix_need_unmet_open ON need ({columns_of_open}) WHERE {_OPEN}")
    op.execute(f"CREATE INDEX ix_need_unmet_ended ON need (ended_at) INCLUDE ({columns_of_ended}) WHERE {_ENDED}")
