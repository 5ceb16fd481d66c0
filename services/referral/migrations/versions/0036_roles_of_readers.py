"""Roles and desks in the record of access."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Entries of older versions have none and keep their hash."""
    op.execute("ALTER TABLE access_entry ADD COLUMN acting_as TEXT[]")


def downgrade() -> None:
    """Drop it. Entries with a role do not match their seals any more."""
    op.execute("ALTER TABLE access_entry DROP COLUMN acting_as")
