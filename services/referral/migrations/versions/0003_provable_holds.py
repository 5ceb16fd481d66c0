"""What every hold knew: the declaration that counted, and where it stands in the history of its pool."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty for the holds that were made before."""
    op.execute(
        "ALTER TABLE place_hold ADD COLUMN declared_as_of timestamptz,"
        " ADD COLUMN held_opening bigint, ADD COLUMN released_opening bigint"
    )


def downgrade() -> None:
    """Forget it."""
    op.execute(
        "ALTER TABLE place_hold DROP COLUMN declared_as_of, DROP COLUMN held_opening, DROP COLUMN released_opening"
    )
