"""People who name a household and may not belong to it: the stated size, and the claims that wait for a decision of
staff."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCRIPT = """
ALTER TABLE household ADD COLUMN told_size INTEGER;
UPDATE household SET told_size = expected_size WHERE expected_size > 1;

CREATE TABLE household_claim (
    id UUID NOT NULL,
    household_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    reason VARCHAR NOT NULL,
    told_size INTEGER,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decision VARCHAR,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT household_claim_reason CHECK (reason IN ('size_exceeded', 'size_differs')),
    CONSTRAINT household_claim_decision CHECK (decision IN ('keep_together', 'separate')),
    CONSTRAINT household_claim_decided CHECK ((decision IS NULL) = (decided_at IS NULL)),
    FOREIGN KEY(household_id) REFERENCES household (id),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);
CREATE UNIQUE INDEX household_claim_open ON household_claim (returnee_id) WHERE decided_at IS NULL;
CREATE INDEX household_claim_of_household ON household_claim (household_id) WHERE decided_at IS NULL;
"""


def upgrade() -> None:
    """Existing households keep the size that was stated for them, if there is one."""
    run_script(op, SCRIPT)


def downgrade() -> None:
    """Nothing to do: an older version does not read this."""
