"""Checks of who a person without papers is."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import closed_while, no_wall, wall

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE identity_check (
    id UUID NOT NULL PRIMARY KEY,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    made_by VARCHAR NOT NULL,
    made_on DATE NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer_by TIMESTAMP WITH TIME ZONE NOT NULL,
    questions_sealed BYTEA,
    right_keys BYTEA,
    judged_at TIMESTAMP WITH TIME ZONE,
    proven_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT identity_check_judged CHECK (proven_until IS NULL OR judged_at IS NOT NULL),
    CONSTRAINT identity_check_once CHECK (judged_at IS NULL OR questions_sealed IS NULL),
    CONSTRAINT identity_check_open CHECK ((questions_sealed IS NULL) = (right_keys IS NULL))
);
CREATE INDEX identity_check_of_returnee ON identity_check (returnee_id, made_on);
CREATE INDEX identity_check_of_caller ON identity_check (made_by, made_on);
"""
SEEN = "EXISTS (SELECT FROM returnee WHERE id = returnee_id)"
"""Whoever sees the person sees that somebody checked who they are. In code, only who made a check can use it."""
NO_CALLER = "false"
"""The service itself counts and judges: no caller proves anything by a query."""


def upgrade() -> None:
    """Create the table with row-level security."""
    run_script(op, TABLE)
    run_script(op, wall("identity_check", SEEN, NO_CALLER))
    run_script(op, closed_while("identity_check", "enlace.emergency"))


def downgrade() -> None:
    """Remove it."""
    run_script(op, "DROP POLICY closed_while_emergency ON identity_check")
    run_script(op, no_wall("identity_check"))
    op.execute("DROP TABLE identity_check")
