"""A declaration states whether its figures already subtract people who were accepted and have not arrived yet."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Declarations from before did not state it."""
    for table in ("capacity", "capacity_declaration"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN accepted_left_out boolean DEFAULT false NOT NULL")


def downgrade() -> None:
    """Remove the column."""
    for table in ("capacity", "capacity_declaration"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN accepted_left_out")
