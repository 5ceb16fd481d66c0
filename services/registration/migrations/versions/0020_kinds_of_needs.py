"""A need may name its kind and coded details of it. A person or household has one open need of each category and kind."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

KINDS = """
ALTER TABLE need ADD COLUMN kind VARCHAR, ADD COLUMN detail_values JSONB NOT NULL DEFAULT '{}';
ALTER TABLE need ADD CONSTRAINT need_details_of_kind CHECK (kind IS NOT NULL OR detail_values = '{}');
ALTER TABLE packet_access ADD COLUMN kind VARCHAR;
DROP INDEX need_open_own;
DROP INDEX need_open_of_household;
CREATE UNIQUE INDEX need_open_own ON need (returnee_id, category, kind) NULLS NOT DISTINCT
    WHERE household_id IS NULL AND status = 'reported' AND ended_at IS NULL AND second_reason IS NULL;
CREATE UNIQUE INDEX need_open_of_household ON need (household_id, category, kind) NULLS NOT DISTINCT
    WHERE household_id IS NOT NULL AND status = 'reported' AND ended_at IS NULL AND second_reason IS NULL;
"""


def upgrade() -> None:
    """Add kind and details, and let a person have several open needs of one category."""
    run_script(op, KINDS)


def downgrade() -> None:
    """Refuse: a person may have several open needs of one category by now."""
    raise NotImplementedError("needs keep their kinds")
