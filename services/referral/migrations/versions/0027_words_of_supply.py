"""The counters that wake waiting referrals are called counts of changes of supply, and no longer openings."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

NAMES = (
    ("referral", "tried_opening", "tried_supply"),
    ("place_hold", "held_opening", "held_freed_count"),
    ("place_hold", "released_opening", "released_freed_count"),
)


def upgrade() -> None:
    """Rename the columns. Processes of the older version must have ended."""
    for table, before, after in NAMES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")


def downgrade() -> None:
    """Give the columns their earlier names."""
    for table, before, after in NAMES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}")
