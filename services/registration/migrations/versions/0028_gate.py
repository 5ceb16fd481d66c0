"""Wristbands and check-ins; batches by boat and on foot; batches that are cancelled or diverted; reasons of absence."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import no_wall, wall

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

OF_BATCH = "EXISTS (SELECT FROM arrival_batch WHERE arrival_batch.id = arrival_batch_id)"
OF_PERSON = "EXISTS (SELECT FROM returnee WHERE returnee.id = returnee_id)"
POLICIES = {
    "wristband": OF_BATCH,
    # After the registration, the row belongs to the person and is seen with them.
    "check_in": f"CASE WHEN returnee_id IS NULL THEN {OF_BATCH} ELSE {OF_PERSON} END",
}
TABLES = """
CREATE TABLE wristband (
    id UUID PRIMARY KEY,
    arrival_batch_id UUID NOT NULL REFERENCES arrival_batch (id),
    sheet_id UUID NOT NULL,
    code VARCHAR NOT NULL UNIQUE,
    status VARCHAR NOT NULL,
    owner VARCHAR,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    handed_out_at TIMESTAMP WITH TIME ZONE,
    void_reason VARCHAR,
    voided_at TIMESTAMP WITH TIME ZONE,
    replaced_by UUID REFERENCES wristband (id),
    CONSTRAINT wristband_status CHECK (status IN ('issued', 'in_use', 'registered', 'void')),
    CONSTRAINT wristband_void_reason CHECK (void_reason IN ('lost', 'torn', 'left', 'unused')),
    CONSTRAINT wristband_void CHECK ((status = 'void') = (void_reason IS NOT NULL))
);
CREATE INDEX wristband_of_batch ON wristband (arrival_batch_id, id);
CREATE INDEX wristband_of_sheet ON wristband (sheet_id, id);
CREATE INDEX wristband_open ON wristband (arrival_batch_id, id) WHERE status = 'in_use';
CREATE TABLE check_in (
    id UUID PRIMARY KEY,
    arrival_batch_id UUID REFERENCES arrival_batch (id),
    wristband_id UUID UNIQUE REFERENCES wristband (id),
    returnee_id UUID UNIQUE REFERENCES returnee (id),
    welcomed_at TIMESTAMP WITH TIME ZONE,
    informed_at TIMESTAMP WITH TIME ZONE,
    registered_at TIMESTAMP WITH TIME ZONE,
    exited_at TIMESTAMP WITH TIME ZONE,
    exited_to VARCHAR,
    CONSTRAINT check_in_exited_to CHECK (exited_to IN ('home', 'family', 'transport_terminal', 'shelter', 'provider',
        'health_centre', 'authority', 'other', 'not_stated')),
    CONSTRAINT check_in_of_somebody CHECK (wristband_id IS NOT NULL OR returnee_id IS NOT NULL),
    CONSTRAINT check_in_registered CHECK ((returnee_id IS NULL) = (registered_at IS NULL)),
    CONSTRAINT check_in_exited CHECK (exited_to IS NULL OR exited_at IS NOT NULL)
);
CREATE INDEX check_in_of_batch ON check_in (arrival_batch_id);
"""
BATCHES = """
ALTER TABLE arrival_batch DROP CONSTRAINT arrival_batch_mode;
ALTER TABLE arrival_batch ADD CONSTRAINT arrival_batch_mode CHECK (mode IN ('flight', 'bus', 'boat', 'on_foot'));
ALTER TABLE arrival_batch ADD COLUMN cancelled_at TIMESTAMP WITH TIME ZONE, ADD COLUMN cancelled_because VARCHAR,
    ADD COLUMN diverted_at TIMESTAMP WITH TIME ZONE, ADD COLUMN diverted_from VARCHAR;
ALTER TABLE arrival_batch ADD CONSTRAINT arrival_batch_cancelled_because
    CHECK (cancelled_because IN ('not_departed', 'diverted_abroad', 'entered_in_error', 'other'));
ALTER TABLE arrival_batch ADD CONSTRAINT arrival_batch_cancelled
    CHECK ((cancelled_at IS NULL) = (cancelled_because IS NULL) AND (cancelled_at IS NULL OR landed_at IS NULL));
ALTER TABLE manifest_entry ADD COLUMN absent_because VARCHAR;
ALTER TABLE manifest_entry ADD CONSTRAINT manifest_entry_absent_because
    CHECK (absent_because IN ('not_on_board', 'left_at_earlier_stop', 'not_stated'));
"""
BACK = """
ALTER TABLE manifest_entry DROP COLUMN absent_because;
ALTER TABLE arrival_batch DROP COLUMN cancelled_at, DROP COLUMN cancelled_because, DROP COLUMN diverted_at,
    DROP COLUMN diverted_from;
DROP TABLE check_in;
DROP TABLE wristband;
"""


def upgrade() -> None:
    """Create tables, columns and policies."""
    run_script(op, TABLES)
    run_script(op, BATCHES)
    for table, seen in POLICIES.items():
        run_script(op, wall(table, seen))


def downgrade() -> None:
    """Remove them. The wider list of modes stays, because there may be such batches."""
    for table in POLICIES:
        run_script(op, no_wall(table))
    run_script(op, BACK)
