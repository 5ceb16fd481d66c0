"""Answers to instruments, where needs come from, and how often what was answered was asked again."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import STAFF, no_wall, wall

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE answer_set (
    id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    instrument VARCHAR NOT NULL,
    instrument_version INTEGER NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    needs_due BOOLEAN NOT NULL,
    review_due BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT answer_set_of_person UNIQUE (returnee_id, instrument),
    FOREIGN KEY (returnee_id) REFERENCES returnee (id)
);
CREATE INDEX answer_set_due ON answer_set (id) WHERE needs_due OR review_due;
CREATE TABLE answer (
    set_id UUID NOT NULL,
    question VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    returnee_id UUID NOT NULL,
    value_sealed BYTEA NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (set_id, question, version),
    FOREIGN KEY (set_id) REFERENCES answer_set (id),
    FOREIGN KEY (returnee_id) REFERENCES returnee (id)
);
CREATE INDEX answer_of_returnee ON answer (returnee_id);
CREATE TABLE need_origin (
    need_id UUID NOT NULL,
    instrument VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    instrument_version INTEGER NOT NULL,
    questions TEXT[] NOT NULL,
    stale_since TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (need_id, instrument, rule),
    FOREIGN KEY (need_id) REFERENCES need (id) ON DELETE CASCADE
);
CREATE TABLE asked_again (
    organization_id UUID NOT NULL,
    instrument VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (organization_id, instrument, question)
);
"""
OF_PERSON = "EXISTS (SELECT FROM returnee WHERE returnee.id = returnee_id)"
POLICIES = {
    "answer_set": (OF_PERSON, None),
    "answer": (OF_PERSON, None),
    "need_origin": ("EXISTS (SELECT FROM need WHERE need.id = need_id)", None),
    # A number without people: staff read it, and each check adds to it.
    "asked_again": (STAFF, "false"),
}


def upgrade() -> None:
    """Create the tables and their policies."""
    run_script(op, TABLES)
    for table, (seen, written) in POLICIES.items():
        run_script(op, wall(table, seen, written))


def downgrade() -> None:
    """Remove them. The answers are lost."""
    for table in POLICIES:
        run_script(op, no_wall(table))
    for table in ("asked_again", "need_origin", "answer", "answer_set"):
        op.execute(f"DROP TABLE {table}")
