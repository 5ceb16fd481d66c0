"""The time of the newest announcement and landing of a batch, so that an older message that arrives late changes
nothing."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Earlier messages have no such time, so the next message counts as newer."""
    op.execute("ALTER TABLE arrival_batch ADD COLUMN announced_as_of TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE arrival_batch ADD COLUMN landed_as_of TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    """Nothing to do: an older version does not read these columns."""
