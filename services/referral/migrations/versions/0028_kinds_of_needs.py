"""Needs, referrals and offers know the kind that is needed; an offer also knows the kind that its service would give."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# A constant default does not rewrite the table.
KINDS = """
ALTER TABLE need ADD COLUMN kind VARCHAR, ADD COLUMN detail_values JSONB NOT NULL DEFAULT '{}';
ALTER TABLE referral ADD COLUMN kind VARCHAR;
ALTER TABLE offer ADD COLUMN kind VARCHAR, ADD COLUMN detail_values JSONB NOT NULL DEFAULT '{}', ADD COLUMN offered_kind VARCHAR;
"""
WITHOUT = """
ALTER TABLE offer DROP COLUMN offered_kind, DROP COLUMN detail_values, DROP COLUMN kind;
ALTER TABLE referral DROP COLUMN kind;
ALTER TABLE need DROP COLUMN detail_values, DROP COLUMN kind;
"""


def upgrade() -> None:
    """Add the columns."""
    run_script(op, KINDS)


def downgrade() -> None:
    """Remove the columns."""
    run_script(op, WITHOUT)
