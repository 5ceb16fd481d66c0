"""People who must be kept apart: their offers never meet at one place."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import no_wall, wall

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE kept_apart (
    exclusion_id UUID NOT NULL,
    first_returnee_id UUID NOT NULL,
    second_returnee_id UUID NOT NULL,
    CONSTRAINT pk_kept_apart PRIMARY KEY (exclusion_id),
    CONSTRAINT ck_kept_apart_two_people CHECK (first_returnee_id < second_returnee_id)
);
CREATE INDEX ix_kept_apart_first_returnee_id ON kept_apart (first_returnee_id);
CREATE INDEX ix_kept_apart_second_returnee_id ON kept_apart (second_returnee_id);
CREATE INDEX ix_journey_merged_into ON journey (merged_into);
"""
NO_CALLER = "false"


def upgrade() -> None:
    """Create the table with row-level security: no caller sees a pair, only the service's own work does."""
    run_script(op, TABLE)
    run_script(op, wall("kept_apart", NO_CALLER))


def downgrade() -> None:
    """Remove it. People who exclude each other may then be offered places of one shelter."""
    op.execute("DROP INDEX ix_journey_merged_into")
    run_script(op, no_wall("kept_apart"))
    op.execute("DROP TABLE kept_apart")
