"""States that a person excludes, and the state for which an organisation acts."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. A process of an older version writes no states."""
    op.execute("ALTER TABLE returnee ADD COLUMN avoid_countries TEXT[] DEFAULT '{}' NOT NULL")
    op.execute("ALTER TABLE provider_standing ADD COLUMN acts_for VARCHAR")


def downgrade() -> None:
    """Drop them. What people excluded is lost."""
    op.execute("ALTER TABLE provider_standing DROP COLUMN acts_for")
    op.execute("ALTER TABLE returnee DROP COLUMN avoid_countries")
