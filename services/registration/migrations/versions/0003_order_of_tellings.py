"""When the newest announcement and landing of a batch were told, so that an older one that comes late changes nothing."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What has been told before today has no such moment; the next telling counts as newer."""
    op.execute("ALTER TABLE arrival_batch ADD COLUMN announced_as_of TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE arrival_batch ADD COLUMN landed_as_of TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    """Nothing: an older version does not read these columns."""
