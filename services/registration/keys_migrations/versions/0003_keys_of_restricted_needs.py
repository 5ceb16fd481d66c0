"""Keys for the data about restricted needs: encrypted with their own master key."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a kind of subject. The list of erased subjects contains only people."""
    op.execute("ALTER TABLE data_key DROP CONSTRAINT data_key_kind")
    op.execute("ALTER TABLE data_key ADD CONSTRAINT data_key_kind CHECK (kind IN ('person', 'manifest', 'restricted'))")


def downgrade() -> None:
    """Refuse: the keys are in use."""
    raise NotImplementedError("keys of restricted needs stay")
