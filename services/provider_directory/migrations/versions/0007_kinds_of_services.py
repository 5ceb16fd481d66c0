"""A service names the kinds of need that it meets, each with its scope."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index. Services from before, and those of an older process, have not named their kinds."""
    op.execute("ALTER TABLE service ADD COLUMN kinds jsonb DEFAULT '[]' NOT NULL")
    op.execute("CREATE INDEX service_by_kind ON service USING gin (kinds jsonb_path_ops)")


def downgrade() -> None:
    """Remove both."""
    op.execute("ALTER TABLE service DROP COLUMN kinds")
