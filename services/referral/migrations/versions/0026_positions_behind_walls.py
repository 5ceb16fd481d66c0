"""Places in queues are counted along an index alone: behind a policy each entry ahead was read as well."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import SERVICE, behind_walls

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# The last place that is asked for of each category, and whose positions up to there are wanted.
_TAKES = "last_category text[], last_rank integer[], last_since timestamptz[], last_id uuid[], wanted uuid[]"
_COUNTED = """
SELECT place.referral_id, place.position
FROM unnest($1, $2, $3, $4) AS last(category, urgency_rank, waiting_since, referral_id)
CROSS JOIN LATERAL (
    SELECT entry.referral_id, row_number() OVER (ORDER BY urgency_rank, waiting_since, referral_id) AS position
    FROM waitlist_entry AS entry
    WHERE entry.category = last.category{among} AND (entry.urgency_rank, entry.waiting_since, entry.referral_id)
        <= (last.urgency_rank, last.waiting_since, last.referral_id)
) AS place
WHERE place.referral_id = ANY($5) AND {service}
"""
# Among all who wait, and among those who wait for something that is not restricted: each has an index of its own.
_FUNCTIONS = {"queue_positions": "", "queue_positions_ordinary": " AND NOT entry.restricted"}


def upgrade() -> None:
    """Functions of the owner count, for the service's own work alone."""
    for name, among in _FUNCTIONS.items():
        query = _COUNTED.format(among=among, service=SERVICE)
        run_script(op, behind_walls(f"{name}({_TAKES})", "TABLE (referral_id uuid, \"position\" bigint)", query))


def downgrade() -> None:
    """The service counts through the wall again."""
    for name in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
