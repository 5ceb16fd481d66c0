"""Exports of people that were asked for, and their downloads."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import closed_while, is_true, no_wall, wall

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

KINDS = "'people', 'manifests', 'arrival_keys', 'device_results', 'settled_conflicts', 'silent_devices'"
TABLES = """
CREATE TABLE people_export (
    id UUID NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    recipient_organization_id UUID,
    recipient_class VARCHAR,
    reason_sealed BYTEA,
    fields TEXT[] NOT NULL,
    arrived_from DATE NOT NULL,
    arrived_until DATE NOT NULL,
    places TEXT[] NOT NULL,
    downloads INTEGER NOT NULL,
    organization_id UUID,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_by VARCHAR NOT NULL,
    asked_who VARCHAR NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by VARCHAR,
    decided_who VARCHAR,
    decision VARCHAR,
    ends_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT people_export_kind CHECK (kind IN ('deidentified', 'identified')),
    CONSTRAINT people_export_purpose CHECK (purpose IN ('statistics', 'research', 'registration_services', 'referral',
        'family_contact', 'follow_up')),
    CONSTRAINT people_export_recipient_class CHECK (recipient_class IN ('providers', 'family', 'network_staff',
        'employers', 'statistics_office', 'justice_bodies')),
    CONSTRAINT people_export_decision CHECK (decision IN ('approved', 'rejected')),
    CONSTRAINT people_export_decided CHECK ((decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL) = (decided_by IS NULL)),
    CONSTRAINT people_export_approved CHECK (
        (ends_at IS NOT NULL) = (kind = 'deidentified' OR decision IS NOT DISTINCT FROM 'approved')),
    CONSTRAINT people_export_second_person CHECK (decided_by <> asked_by AND decided_who <> asked_who),
    CONSTRAINT people_export_period CHECK (arrived_until >= arrived_from)
);
CREATE INDEX people_export_of_caller ON people_export (asked_by, id);
CREATE INDEX people_export_with_reason ON people_export (id) WHERE reason_sealed IS NOT NULL;

CREATE TABLE export_download (
    id UUID NOT NULL PRIMARY KEY,
    export_id UUID NOT NULL REFERENCES people_export (id),
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    who VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    left_out INTEGER
);
CREATE INDEX export_download_of_export ON export_download (export_id, id);
"""
ASKED_BY = "(SELECT current_setting('enlace.principal', true))"
NO_CALLER = "false"
"""Each step is checked first, and written as the service's own work: no caller approves by a query."""
POLICIES = {
    "people_export": f"asked_by = {ASKED_BY} OR {is_true('enlace.exports')}",
    "export_download": "EXISTS (SELECT FROM people_export WHERE people_export.id = export_id)",
}


def _kinds(allowed: str) -> None:
    op.execute("ALTER TABLE retention_day DROP CONSTRAINT retention_day_kind")
    op.execute(f"ALTER TABLE retention_day ADD CONSTRAINT retention_day_kind CHECK (kind IN ({allowed})) NOT VALID")


def upgrade() -> None:
    """Create the tables with row-level security, and count reasons that have gone."""
    run_script(op, TABLES)
    for table, seen in POLICIES.items():
        run_script(op, wall(table, seen, NO_CALLER))
        run_script(op, closed_while(table, "enlace.emergency"))
    _kinds(f"{KINDS}, 'export_reasons'")
    op.execute("ALTER TABLE retention_day VALIDATE CONSTRAINT retention_day_kind")


def downgrade() -> None:
    """Drop the tables. Counts of reasons stay."""
    _kinds(KINDS)
    for table in reversed(POLICIES):
        run_script(op, no_wall(table))
        op.execute(f"DROP TABLE {table}")
