"""The present event tables: who made a change by hand, a paused relay, and the old positions of a lost log."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing to do, because an older version works with these tables."""
