"""Update the event tables: a digest of what an event of an external producer said."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Update the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing to do: an older version works with these tables."""
