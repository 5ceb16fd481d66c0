"""The key that recognises a repeated arrival of an erased person, for as long as one can come."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. The arrivals of people who were erased before are recognised by the id that is derived from
    them."""
    op.execute("ALTER TABLE erased_subject ADD COLUMN arrival_key BYTEA")


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE erased_subject DROP COLUMN arrival_key")
