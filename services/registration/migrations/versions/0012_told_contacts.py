"""Parts of a safe contact that nobody has stated are not filled in."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = ("language", "hours_from", "hours_until")


def upgrade() -> None:
    """Allow empty columns. Stored values are kept: it is unknown whether they were stated."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE safe_contact ALTER COLUMN {column} DROP NOT NULL")


def downgrade() -> None:
    """Nothing to do: an older version reads only contacts that were stated completely."""
