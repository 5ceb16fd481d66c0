"""Every hold records the declaration that was valid, and its position in the history of its pool."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The new columns are empty for existing holds."""
    op.execute(
        "ALTER TABLE place_hold ADD COLUMN declared_as_of timestamptz,"
        " ADD COLUMN held_opening bigint, ADD COLUMN released_opening bigint"
    )


def downgrade() -> None:
    """Drop the columns."""
    op.execute(
        "ALTER TABLE place_hold DROP COLUMN declared_as_of, DROP COLUMN held_opening, DROP COLUMN released_opening"
    )
