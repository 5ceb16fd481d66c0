"""A case is found by its code; answers are read along their time."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE INDEX ix_journey_case_code ON journey (case_code) WHERE case_code IS NOT NULL;
CREATE INDEX ix_offer_answered ON offer (ended_at) WHERE status IN ('accepted', 'declined');
"""
DOWNGRADE = """
DROP INDEX ix_offer_answered;
DROP INDEX ix_journey_case_code;
"""


def upgrade() -> None:
    """Create the indexes."""
    run_script(op, UPGRADE)


def downgrade() -> None:
    """Remove the indexes."""
    run_script(op, DOWNGRADE)
