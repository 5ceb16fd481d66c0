"""Update the event tables: functions of the owner create and drop the partitions of single days."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Update the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing to do: an older version works with these tables."""
