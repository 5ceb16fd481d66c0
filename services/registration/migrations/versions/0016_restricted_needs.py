"""A separate store for restricted needs, and a form for the hashes of facts.

The service has the keys, so it moves the existing rows and hashes the facts again (`needs.moving`, `intake.loop`).
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE restricted_need (
    id BYTEA NOT NULL,
    told_key BYTEA,
    owner UUID NOT NULL,
    household BYTEA,
    batch BYTEA,
    open_key BYTEA,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (told_key),
    UNIQUE (open_key)
);
CREATE INDEX restricted_need_of_owner ON restricted_need (owner);
CREATE INDEX restricted_need_of_household ON restricted_need (household);
CREATE INDEX restricted_need_of_batch ON restricted_need (batch);

CREATE TABLE restricted_repeat (
    id BYTEA NOT NULL,
    told_key BYTEA,
    need BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (told_key),
    FOREIGN KEY (need) REFERENCES restricted_need (id) ON DELETE CASCADE
);
CREATE INDEX ix_restricted_repeat_need ON restricted_repeat (need);

ALTER TABLE arrival_told ADD COLUMN form INTEGER NOT NULL DEFAULT 0;
CREATE INDEX arrival_told_due ON arrival_told (returnee_id) WHERE form < 1;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op, TABLES)


def downgrade() -> None:
    """Refuse: without the key the needs cannot be written back into the table in clear."""
    raise NotImplementedError("restricted needs stay in their store")
