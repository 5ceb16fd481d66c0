"""Keys of what people tell of restricted needs: wrapped by a master key of their own."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One more kind of subject; the list of the erased names people only."""
    op.execute("ALTER TABLE data_key DROP CONSTRAINT data_key_kind")
    op.execute("ALTER TABLE data_key ADD CONSTRAINT data_key_kind CHECK (kind IN ('person', 'manifest', 'restricted'))")


def downgrade() -> None:
    """Refuse: the keys are in use."""
    raise NotImplementedError("keys of restricted needs stay")
