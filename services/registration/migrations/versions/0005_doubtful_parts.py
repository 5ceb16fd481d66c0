"""Parts of arrival events that broke a rule and wait for a review by staff."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCRIPT = """
CREATE TABLE doubtful_part (
    id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    pointer VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    is_urgent BOOLEAN NOT NULL,
    value_sealed BYTEA,
    set_aside_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closing VARCHAR,
    closing_reason VARCHAR,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT doubtful_part_closing CHECK (closing IN ('mended', 'discarded')),
    CONSTRAINT doubtful_part_closing_reason CHECK (closing_reason IN ('asked_the_person', 'asked_the_sender', 'told_again', 'not_meant', 'cannot_be_known', 'erased')),
    CONSTRAINT doubtful_part_closed CHECK ((closed_at IS NULL) = (closing IS NULL) AND (closing IS NULL) = (closing_reason IS NULL)),
    CONSTRAINT doubtful_part_forgotten CHECK (closed_at IS NULL OR value_sealed IS NULL),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);
CREATE INDEX doubtful_part_open ON doubtful_part (is_urgent, id) WHERE closed_at IS NULL;
CREATE INDEX doubtful_part_of_returnee ON doubtful_part (returnee_id, id);
"""


def upgrade() -> None:
    """Create the table. Nothing was set aside before."""
    run_script(op, SCRIPT)


def downgrade() -> None:
    """Nothing to do: an older version does not read this."""
