"""The foreign state for which an organisation acts."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE organization ADD COLUMN acts_for VARCHAR")


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE organization DROP COLUMN acts_for")
