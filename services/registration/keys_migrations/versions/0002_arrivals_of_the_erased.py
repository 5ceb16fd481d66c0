"""By which the arrival of an erased person is known when it is told again, for as long as that may happen."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those erased before, the arrival is known by the id that it makes."""
    op.execute("ALTER TABLE erased_subject ADD COLUMN arrival_key BYTEA")


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE erased_subject DROP COLUMN arrival_key")
