"""The present event tables: functions of the owner create and drop the daily partitions."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing to do, because an older version works with these tables."""
