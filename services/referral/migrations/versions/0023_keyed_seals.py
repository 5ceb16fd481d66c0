"""New seals of the record contain a keyed hash and the last entry that they cover. Existing seals have neither."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Existing seals stay unchanged, because nobody can prove now who made them."""
    op.execute("ALTER TABLE access_seal ADD COLUMN last_entry_id BIGINT, ADD COLUMN mac BYTEA")


def downgrade() -> None:
    """Drop the columns."""
    op.execute("ALTER TABLE access_seal DROP COLUMN last_entry_id, DROP COLUMN mac")
