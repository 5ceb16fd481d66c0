"""The form of the name hashes by which a person is found. A loop creates the hashes of the first form again."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCRIPT = """
ALTER TABLE returnee ADD COLUMN index_form INTEGER NOT NULL DEFAULT 1;
CREATE INDEX returnee_index_due ON returnee (id) WHERE index_form < 2 AND erased_at IS NULL;
"""


def upgrade() -> None:
    """All existing people have hashes of the first form."""
    run_script(op, SCRIPT)


def downgrade() -> None:
    """Nothing to do: an older version does not read this."""
