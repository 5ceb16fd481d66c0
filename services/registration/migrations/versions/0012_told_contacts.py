"""What nobody has told of a safe contact is not filled in."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = ("language", "hours_from", "hours_until")


def upgrade() -> None:
    """What is stored stays as it is: it cannot be known any more whether it was told."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE safe_contact ALTER COLUMN {column} DROP NOT NULL")


def downgrade() -> None:
    """Nothing: an older version reads only contacts of which all was told."""
