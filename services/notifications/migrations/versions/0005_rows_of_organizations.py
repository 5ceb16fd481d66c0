"""Row-level security: a request sees the rows of its caller's organisation; the service's own work sees all rows."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import ORGANIZATION, RESTRICTED, no_wall, wall

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OURS = f"organization_id = {ORGANIZATION}"
SHOWN = f"(NOT restricted OR {RESTRICTED})"
# A row that belongs to another row is visible to those who see the other row.
WALLS = {
    "endpoint": OURS,
    "endpoint_secret": "EXISTS (SELECT FROM endpoint WHERE endpoint.id = endpoint_id)",  # pragma: allowlist secret
    "delivery": f"{OURS} AND {SHOWN}",
    "attempt": "EXISTS (SELECT FROM delivery WHERE delivery.id = delivery_id)",
    "notification": f"{OURS} AND {SHOWN}",
    "inbox_counter": OURS,
}


def upgrade() -> None:
    """Enable row-level security on every table with rows of organisations."""
    for table, seen in WALLS.items():
        run_script(op, wall(table, seen))


def downgrade() -> None:
    """Remove row-level security."""
    for table in WALLS:
        run_script(op, no_wall(table))
