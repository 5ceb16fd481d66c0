"""Positions in queues are counted with an index only. Under row-level security each entry ahead was read too."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import SERVICE, behind_walls

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Arguments: the last position of each category, and the referrals whose positions are needed.
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
# One function counts all entries, the other only entries that are not restricted. Each has its own index.
_FUNCTIONS = {"queue_positions": "", "queue_positions_ordinary": " AND NOT entry.restricted"}


def upgrade() -> None:
    """Add functions of the owner that count. Only the service itself may use them."""
    for name, among in _FUNCTIONS.items():
        query = _COUNTED.format(among=among, service=SERVICE)
        run_script(op, behind_walls(f"{name}({_TAKES})", "TABLE (referral_id uuid, \"position\" bigint)", query))


def downgrade() -> None:
    """The service counts under row-level security again."""
    for name in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
