"""How many rows of each kind of data have gone, by day."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import STAFF, closed_while, no_wall, wall

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE retention_day (
    day DATE NOT NULL,
    kind VARCHAR NOT NULL,
    gone_count INTEGER NOT NULL,
    runs_count INTEGER NOT NULL,
    PRIMARY KEY (day, kind),
    CONSTRAINT retention_day_kind CHECK (kind IN ('people', 'manifests', 'arrival_keys', 'device_results',
        'settled_conflicts', 'silent_devices')),
    CONSTRAINT retention_day_counts CHECK (gone_count > 0 AND runs_count > 0)
);
"""


def upgrade() -> None:
    """Create the table with row-level security."""
    run_script(op, TABLE)
    run_script(op, wall("retention_day", STAFF))
    run_script(op, closed_while("retention_day", "enlace.emergency"))


def downgrade() -> None:
    """Drop the table."""
    run_script(op, no_wall("retention_day"))
    op.execute("DROP TABLE retention_day")
