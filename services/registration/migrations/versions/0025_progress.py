"""Arrival batches with a completed intake are found by their time of landing."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.execute("CREATE INDEX arrival_batch_completed ON arrival_batch (landed_at) WHERE status = 'intake_completed'")


def downgrade() -> None:
    """Remove the index."""
    op.execute("DROP INDEX arrival_batch_completed")
