"""A review stores what a desk decided about an age: whose age, the group, and the basis."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE review ADD COLUMN age_of UUID;
ALTER TABLE review ADD COLUMN age_group VARCHAR;
ALTER TABLE review ADD COLUMN age_basis VARCHAR;
ALTER TABLE review ADD CONSTRAINT ck_review_age_group CHECK (age_group IN ('child', 'adult', 'unsure'));
ALTER TABLE review ADD CONSTRAINT ck_review_age_basis
    CHECK (age_basis IN ('document', 'own_word', 'staff_judgement', 'assessment'));
CREATE INDEX ix_review_age ON review (returnee_id) WHERE status = 'pending' AND reason = 'age_unresolved';
"""


def upgrade() -> None:
    """Add the columns. Earlier reviews do not say what was decided."""
    run_script(op, COLUMNS)


def downgrade() -> None:
    """Remove the columns."""
    op.execute("DROP INDEX ix_review_age")
    op.execute("ALTER TABLE review DROP COLUMN age_of, DROP COLUMN age_group, DROP COLUMN age_basis")
