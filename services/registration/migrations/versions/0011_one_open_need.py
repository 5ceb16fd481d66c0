"""One open need of a kind for each person and each household. A repeated report is stored as a repetition of it.

Needs that were reported twice before are kept: the later ones count as second needs.
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCRIPT = """
ALTER TABLE need ADD COLUMN ended_at timestamptz, ADD COLUMN heard_as_of timestamptz, ADD COLUMN second_reason varchar,
    ADD CONSTRAINT need_second_reason
        CHECK (second_reason IN ('another_place', 'another_time', 'another_service'));
UPDATE need SET second_reason = 'another_time' WHERE status = 'reported' AND EXISTS (
    SELECT FROM need AS first WHERE first.status = 'reported' AND first.id < need.id AND first.category = need.category
        AND (first.household_id = need.household_id
             OR first.household_id IS NULL AND need.household_id IS NULL AND first.returnee_id = need.returnee_id)
);
CREATE UNIQUE INDEX need_open_own ON need (returnee_id, category)
    WHERE household_id IS NULL AND status = 'reported' AND ended_at IS NULL AND second_reason IS NULL;
CREATE UNIQUE INDEX need_open_of_household ON need (household_id, category)
    WHERE household_id IS NOT NULL AND status = 'reported' AND ended_at IS NULL AND second_reason IS NULL;

CREATE TABLE need_repeat (
    id UUID NOT NULL,
    need_key BYTEA,
    need_id UUID NOT NULL,
    urgency VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT need_repeat_urgency CHECK (urgency IN ('emergency', 'urgent', 'normal')),
    UNIQUE (need_key),
    FOREIGN KEY(need_id) REFERENCES need (id)
);
CREATE INDEX ix_need_repeat_need_id ON need_repeat (need_id);
"""


def upgrade() -> None:
    """Allow only one open need of a kind."""
    run_script(op, SCRIPT)


def downgrade() -> None:
    """Restore the earlier tables; repetitions are deleted."""
    op.execute("DROP TABLE need_repeat")
    op.execute("DROP INDEX need_open_own, need_open_of_household")
    op.execute("ALTER TABLE need DROP COLUMN ended_at, DROP COLUMN heard_as_of, DROP COLUMN second_reason")
