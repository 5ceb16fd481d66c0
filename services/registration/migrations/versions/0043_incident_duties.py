"""The duties after an incident, whose times are watched."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import STAFF, closed_while, no_wall, wall

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# What is recorded of earlier incidents counts from the record on. Those that are closed are not watched.
TABLE = """
CREATE TABLE incident_duty (
    incident_id UUID NOT NULL REFERENCES incident (id),
    duty VARCHAR NOT NULL,
    half_time_warned_at TIMESTAMP WITH TIME ZONE,
    overdue_warned_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_by VARCHAR,
    not_required_because VARCHAR,
    PRIMARY KEY (incident_id, duty),
    CONSTRAINT incident_duty_known CHECK (duty IN ('authority_told', 'people_told')),
    CONSTRAINT incident_duty_reason CHECK (not_required_because IN ('no_risk_to_people', 'nobody_affected',
        'law_does_not_require', 'danger_to_people', 'no_safe_contact', 'ordered_by_court')),
    CONSTRAINT incident_duty_settled CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
    CONSTRAINT incident_duty_not_required CHECK (not_required_because IS NULL OR settled_at IS NOT NULL)
);
INSERT INTO incident_duty (incident_id, duty, settled_at, settled_by)
SELECT id, duty, CASE WHEN done THEN coalesce(closed_at, recorded_at) END,
    CASE WHEN done THEN coalesce(closed_by, recorded_by) END
FROM incident CROSS JOIN unnest(ARRAY['authority_told', 'people_told']) AS duty
CROSS JOIN LATERAL (SELECT duty = ANY (measures) AS done) AS told;
"""


def upgrade() -> None:
    """Create the table with row-level security."""
    run_script(op, TABLE)
    run_script(op, wall("incident_duty", STAFF, "false"))
    run_script(op, closed_while("incident_duty", "enlace.emergency"))


def downgrade() -> None:
    """Remove it. Reasons and the times of the records are lost; what was done stays in the incident."""
    op.execute("DROP POLICY closed_while_emergency ON incident_duty")
    run_script(op, no_wall("incident_duty"))
    op.execute("DROP TABLE incident_duty")
