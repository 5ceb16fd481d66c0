"""The age group of a person (child, adult, unsure), the basis of what was told or decided, and when it was decided."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import is_true, no_wall, wall

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE returnee ADD COLUMN age_group VARCHAR NOT NULL DEFAULT 'unsure';
ALTER TABLE returnee ADD COLUMN age_basis VARCHAR;
ALTER TABLE returnee ADD COLUMN age_decided_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE returnee ADD CONSTRAINT returnee_age_group CHECK (age_group IN ('child', 'adult', 'unsure'));
ALTER TABLE returnee ADD CONSTRAINT returnee_age_basis
    CHECK (age_basis IN ('document', 'own_word', 'staff_judgement', 'assessment'));
UPDATE returnee SET age_group = CASE WHEN age_band IN ('under_5', '5_11', '12_17') THEN 'child' ELSE 'adult' END
WHERE age_band <> 'unknown';
"""
# The band counts first, because a process of an older version writes no group.
CHILDREN = """age_band IN ('under_5', '5_11', '12_17') OR (age_band = 'unknown' AND age_group <> 'adult')
        OR protection_flags && ARRAY['unaccompanied_child', 'age_disputed']"""
CHILDREN_BEFORE = """age_band IN ('under_5', '5_11', '12_17', 'unknown')
        OR protection_flags && ARRAY['unaccompanied_child', 'age_disputed']"""
AREAS = "(SELECT nullif(current_setting('enlace.areas', true), ''))::text[]"
SOURCE = "(SELECT current_setting('enlace.source', true))"
ORGANIZATION = "(SELECT nullif(current_setting('enlace.organization_id', true), '')::uuid)"
HERE = f"""({is_true("enlace.everywhere")} OR reception_place LIKE ANY ({AREAS})
    OR (cardinality({AREAS}) > 0 AND reception_place IS NULL AND organization_id IS NULL))"""
SIGHT = f"""(organization_id = {ORGANIZATION}
    OR ({ORGANIZATION} IS NOT NULL AND organization_id IS NULL AND {HERE})
    OR ({ORGANIZATION} IS NULL AND ({HERE} OR (organization_id IS NULL AND source = {SOURCE}))))"""


def upgrade() -> None:
    """Add the columns. The desk for children sees nobody who was told to be an adult."""
    run_script(op, COLUMNS)
    _wall(CHILDREN)


def downgrade() -> None:
    """Remove the columns; a person without a birth date has an unknown age again."""
    _wall(CHILDREN_BEFORE)
    run_script(
        op,
        """
        ALTER TABLE returnee DROP COLUMN age_decided_at;
        ALTER TABLE returnee DROP COLUMN age_basis;
        ALTER TABLE returnee DROP COLUMN age_group;
        """,
    )


def _wall(children: str) -> None:
    run_script(op, no_wall("returnee"))
    seen = f"CASE WHEN {is_true('enlace.children_only')} THEN {children} ELSE {SIGHT} END"
    run_script(op, wall("returnee", seen))
