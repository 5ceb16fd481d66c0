"""Private people whom a person excludes, and why somebody withholds something."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import closed_while, no_wall, wall

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE excluded_person (
    id UUID NOT NULL PRIMARY KEY,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    other_returnee_id UUID REFERENCES returnee (id),
    has_name BOOLEAN NOT NULL,
    told_sealed BYTEA NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT excluded_person_is_somebody CHECK (has_name OR other_returnee_id IS NOT NULL),
    CONSTRAINT excluded_person_is_another CHECK (other_returnee_id <> returnee_id)
);
CREATE INDEX excluded_person_of_returnee ON excluded_person (returnee_id, id);
CREATE INDEX excluded_person_is_returnee ON excluded_person (other_returnee_id) WHERE other_returnee_id IS NOT NULL;
CREATE TABLE withholding_reason (
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    about VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    told_sealed BYTEA NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (returnee_id, about, value),
    CONSTRAINT withholding_reason_about CHECK (about IN ('organization', 'place', 'country', 'purpose'))
);
"""
CLAIMS = """
ALTER TABLE household_claim DROP CONSTRAINT household_claim_reason;
ALTER TABLE household_claim ADD CONSTRAINT household_claim_reason
    CHECK (reason IN ('size_exceeded', 'size_differs', 'excluded_person'));
"""
# An older version knows no such claim. The person stays without a household; staff may still put them into one.
WITHOUT = """
DELETE FROM household_claim WHERE reason = 'excluded_person';
ALTER TABLE household_claim DROP CONSTRAINT household_claim_reason;
ALTER TABLE household_claim ADD CONSTRAINT household_claim_reason
    CHECK (reason IN ('size_exceeded', 'size_differs'));
"""
SEEN = "EXISTS (SELECT FROM returnee WHERE id = returnee_id)"
"""Whoever sees the person who told it. Who sees only the excluded person sees nothing."""


def upgrade() -> None:
    """Create the tables with row-level security."""
    run_script(op, TABLES)
    run_script(op, CLAIMS)
    for table in ("excluded_person", "withholding_reason"):
        run_script(op, wall(table, SEEN, "false"))
        run_script(op, closed_while(table, "enlace.emergency"))


def downgrade() -> None:
    """Remove them. What people excluded is lost."""
    run_script(op, WITHOUT)
    for table in ("excluded_person", "withholding_reason"):
        run_script(op, f"DROP POLICY closed_while_emergency ON {table}")
        run_script(op, no_wall(table))
        op.execute(f"DROP TABLE {table}")
