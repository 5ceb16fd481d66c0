"""A declaration says whether its figures leave out people who were accepted and are still to come."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was declared before did not say so."""
    for table in ("capacity", "capacity_declaration"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN accepted_left_out boolean DEFAULT false NOT NULL")


def downgrade() -> None:
    """Forget it."""
    for table in ("capacity", "capacity_declaration"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN accepted_left_out")
