"""Approvals are stored by the reason of the review, because each reason needs its own approval."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_REASONS = """
UPDATE referral SET approved_for = given.reasons FROM (
    SELECT need_id, array_agg(DISTINCT reason ORDER BY reason) AS reasons FROM review
    WHERE status = 'approved' AND need_id IS NOT NULL GROUP BY need_id
) AS given
WHERE given.need_id = referral.need_id AND referral.approved
"""


def upgrade() -> None:
    """An existing approval gets the reasons of the approved reviews of its need."""
    op.execute("ALTER TABLE referral ADD COLUMN approved_for text[] NOT NULL DEFAULT '{}'")
    op.execute(_REASONS)
    op.execute("ALTER TABLE referral DROP COLUMN approved")


def downgrade() -> None:
    """An approval has no reason again."""
    op.execute("ALTER TABLE referral ADD COLUMN approved boolean NOT NULL DEFAULT false")
    op.execute("UPDATE referral SET approved = cardinality(approved_for) > 0")
    op.execute("ALTER TABLE referral ALTER COLUMN approved DROP DEFAULT, DROP COLUMN approved_for")
