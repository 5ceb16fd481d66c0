"""The event tables of today: the partitions of days come and go by functions of the owner."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing: an older version takes the tables as they are."""
