"""Seals of the record carry a keyed hash and up to which entry they reach; those of before have none."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Seals that stand stay as they are: nobody can say now who made them."""
    op.execute("ALTER TABLE access_seal ADD COLUMN last_entry_id BIGINT, ADD COLUMN mac BYTEA")


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE access_seal DROP COLUMN last_entry_id, DROP COLUMN mac")
