"""The event tables of today: whose hand it was, a relay that is held, what a lost log's offsets held before."""

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
    """Nothing: an older version takes the tables as they are."""
