"""Operations that devices did without a line, when each field of a person last changed, and conflicts for a person."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import wall

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE field_change (
    returnee_id UUID NOT NULL,
    field VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    device_id UUID,
    PRIMARY KEY (returnee_id, field),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);

CREATE TABLE sync_device (
    owner UUID NOT NULL,
    device_id UUID NOT NULL,
    last_sequence BIGINT NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (owner, device_id)
);
CREATE INDEX sync_device_seen ON sync_device (seen_at);

CREATE TABLE sync_operation (
    owner UUID NOT NULL,
    device_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    fingerprint BYTEA,
    client_person_id UUID,
    returnee_id UUID,
    created_id UUID,
    outcome VARCHAR NOT NULL,
    superseded TEXT[] NOT NULL,
    conflict_ids UUID[] NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (owner, device_id, operation_id),
    CONSTRAINT sync_operation_in_sequence UNIQUE (owner, device_id, sequence),
    CONSTRAINT sync_operation_outcome CHECK (outcome IN ('done', 'unchanged', 'superseded', 'conflict')),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);
CREATE UNIQUE INDEX sync_operation_person ON sync_operation (owner, client_person_id) WHERE client_person_id IS NOT NULL;
CREATE INDEX sync_operation_done ON sync_operation (done_at);
CREATE INDEX sync_operation_of_returnee ON sync_operation (returnee_id);

CREATE TABLE sync_conflict (
    id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    held VARCHAR NOT NULL,
    stored_sealed BYTEA,
    told_sealed BYTEA,
    other_returnee_id UUID,
    device_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    resolution VARCHAR,
    reason VARCHAR,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT sync_conflict_kind CHECK (kind IN ('safety', 'same_entry', 'superseded')),
    CONSTRAINT sync_conflict_held CHECK (held IN ('stored', 'told', 'both', 'nobody', 'withdrawn')),
    CONSTRAINT sync_conflict_resolution CHECK (resolution IN ('held', 'stored', 'told', 'mended', 'last_writer')),
    CONSTRAINT sync_conflict_reason CHECK (reason IN ('asked_the_person', 'asked_the_clerk', 'document_seen', 'not_meant', 'cannot_be_known')),
    CONSTRAINT sync_conflict_resolved CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id),
    FOREIGN KEY(other_returnee_id) REFERENCES returnee (id)
);
CREATE INDEX sync_conflict_open ON sync_conflict (id) WHERE resolved_at IS NULL;
CREATE INDEX sync_conflict_of_returnee ON sync_conflict (returnee_id, id);
CREATE INDEX sync_conflict_resolved_at ON sync_conflict (resolved_at) WHERE resolved_at IS NOT NULL;
"""
OF_PERSON = "EXISTS (SELECT FROM returnee WHERE returnee.id = returnee_id)"
NO_CALLER = "false"
POLICIES = {
    "field_change": (OF_PERSON, NO_CALLER),
    "sync_device": (NO_CALLER, None),
    "sync_operation": (NO_CALLER, None),
    "sync_conflict": (OF_PERSON, NO_CALLER),
}


def upgrade() -> None:
    """Create the tables. Nothing was taken in from devices before."""
    run_script(op, TABLES)
    for table, (seen, written) in POLICIES.items():
        run_script(op, wall(table, seen, written))


def downgrade() -> None:
    """Nothing to do: an older version does not read these."""
