"""People who may be the same: keyed hashes to find them, pairs, decisions, and the record under which one continues."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import no_wall, wall

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE returnee ADD COLUMN merged_into UUID REFERENCES returnee (id);
ALTER TABLE returnee ADD CONSTRAINT returnee_merged_into_another CHECK (merged_into <> id);
CREATE INDEX returnee_merged ON returnee (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE comparison_due (
    returnee_id UUID NOT NULL PRIMARY KEY REFERENCES returnee (id),
    due_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX comparison_due_in_order ON comparison_due (due_at, returnee_id);

CREATE TABLE match_key (
    key BIGINT NOT NULL,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    PRIMARY KEY (key, returnee_id)
);
CREATE INDEX match_key_of_returnee ON match_key (returnee_id);

CREATE TABLE match (
    id UUID NOT NULL PRIMARY KEY,
    first_id UUID NOT NULL REFERENCES returnee (id),
    second_id UUID NOT NULL REFERENCES returnee (id),
    version INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    band VARCHAR NOT NULL,
    weight FLOAT NOT NULL,
    reasons TEXT[] NOT NULL,
    facts BYTEA NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT match_status CHECK (status IN ('open', 'merged', 'different', 'unmerged')),
    CONSTRAINT match_band CHECK (band IN ('same', 'review')),
    CONSTRAINT match_of_two CHECK (first_id < second_id),
    CONSTRAINT match_once UNIQUE (first_id, second_id)
);
CREATE INDEX match_of_second ON match (second_id);
CREATE INDEX match_open ON match (id) WHERE status = 'open';

CREATE TABLE match_decision (
    id UUID NOT NULL PRIMARY KEY,
    match_id UUID NOT NULL REFERENCES match (id),
    status VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    into_id UUID,
    first_version INTEGER NOT NULL,
    second_version INTEGER NOT NULL,
    decided_by VARCHAR NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT match_decision_status CHECK (status IN ('open', 'merged', 'different', 'unmerged'))
);
CREATE INDEX match_decision_of_match ON match_decision (match_id, id);

-- Everybody who came before is compared once the service has started.
INSERT INTO comparison_due (returnee_id, due_at) SELECT id, registered_at FROM returnee WHERE erased_at IS NULL;
"""
NO_CALLER = "false"
POLICIES = {
    "comparison_due": NO_CALLER,
    "match_key": NO_CALLER,
    # Who sees one of the two may learn that there is a match; the service shows no more of the other record.
    "match": "EXISTS (SELECT FROM returnee WHERE returnee.id IN (first_id, second_id))",
    "match_decision": "EXISTS (SELECT FROM match WHERE match.id = match_id)",
}


def upgrade() -> None:
    """Create the tables with row-level security."""
    run_script(op, TABLES)
    for table, seen in POLICIES.items():
        run_script(op, wall(table, seen))


def downgrade() -> None:
    """Remove the tables. Records that are merged are separate again."""
    for table in POLICIES:
        run_script(op, no_wall(table))
    for table in ("match_decision", "match", "match_key", "comparison_due"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE returnee DROP COLUMN merged_into")
