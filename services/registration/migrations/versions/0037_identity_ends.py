"""The clock of identity data of people who were never erased, and its extensions."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import STAFF, closed_while, no_wall, wall

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE identity_clock (
    returnee_id UUID NOT NULL PRIMARY KEY REFERENCES returnee (id),
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    counts_from TIMESTAMP WITH TIME ZONE NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE,
    due_since TIMESTAMP WITH TIME ZONE
);
CREATE INDEX identity_clock_in_order ON identity_clock (registered_at, returnee_id);
CREATE INDEX identity_clock_to_check ON identity_clock (counts_from, returnee_id) WHERE due_since IS NULL;
CREATE INDEX identity_clock_due ON identity_clock (due_since, returnee_id) WHERE due_since IS NOT NULL;
CREATE INDEX identity_clock_to_check_again ON identity_clock (checked_at, returnee_id) WHERE due_since IS NOT NULL;

CREATE TABLE retention_extension (
    id UUID NOT NULL PRIMARY KEY,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    reason VARCHAR NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by VARCHAR NOT NULL,
    CONSTRAINT retention_extension_reason CHECK (reason IN ('case_continues', 'person_asked', 'legal_claim',
        'order_of_court', 'family_tracing'))
);
CREATE INDEX retention_extension_of_returnee ON retention_extension (returnee_id, id);

CREATE INDEX returnee_in_order ON returnee (registered_at, id) WHERE erased_at IS NULL;
"""
NO_CALLER = "false"
POLICIES = {
    "identity_clock": NO_CALLER,
    "retention_extension": f"{STAFF} AND EXISTS (SELECT FROM returnee WHERE id = returnee_id)",
}
"""A list of the whole country is read as the service's own work, after a check of the caller."""


def upgrade() -> None:
    """Create the tables with row-level security, and the order in which people are taken."""
    run_script(op, TABLES)
    for table, seen in POLICIES.items():
        run_script(op, wall(table, seen, NO_CALLER))
        run_script(op, closed_while(table, "enlace.emergency"))


def downgrade() -> None:
    """Drop them. Extensions are lost, so people come on the list again."""
    op.execute("DROP INDEX returnee_in_order")
    for table in POLICIES:
        run_script(op, f"DROP POLICY closed_while_emergency ON {table}")
        run_script(op, no_wall(table))
        op.execute(f"DROP TABLE {table}")
