"""An index of the endpoints that fail, so that operators can list them without a look at all others."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.execute("CREATE INDEX endpoint_failing ON endpoint (failing_since, id) WHERE failing_since IS NOT NULL")


def downgrade() -> None:
    """Remove the index."""
    op.execute("DROP INDEX endpoint_failing")
