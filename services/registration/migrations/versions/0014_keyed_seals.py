"""Seals of the record contain a keyed hash and the last entry that they cover; earlier seals have neither."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Existing seals do not change: nobody can say now who made them."""
    op.execute("ALTER TABLE audit_seal ADD COLUMN last_entry_id BIGINT, ADD COLUMN mac BYTEA")


def downgrade() -> None:
    """Drop the columns."""
    op.execute("ALTER TABLE audit_seal DROP COLUMN last_entry_id, DROP COLUMN mac")
