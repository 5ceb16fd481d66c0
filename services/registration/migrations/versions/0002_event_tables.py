"""Update the event tables: the operator of an action, a relay that an operator holds, and offsets that occur again
after a log was lost."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Update the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing to do: an older version works with these tables."""
