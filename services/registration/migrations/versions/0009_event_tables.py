"""The event tables of today: what an event of a foreign producer said, as a digest."""

from alembic import op

from libs.events.tables import upgrade_tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the event tables to this version."""
    upgrade_tables(op)


def downgrade() -> None:
    """Nothing: an older version takes the tables as they are."""
