"""Incidents, requests of authorities about people, and the way to find who was affected in a span of time."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import STAFF, no_wall, wall

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BEFORE = "'registration', 'referral', 'family_contact', 'follow_up', 'correction', 'request_of_person', 'erasure'"
PURPOSES = f"{BEFORE}, 'incident', 'legal_request'"
# The record only grows, in the order of its times. A block range index costs a write next to nothing.
TABLES = """
CREATE INDEX audit_entry_by_time ON audit_entry USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE incident (
    id UUID NOT NULL PRIMARY KEY,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    client_id VARCHAR,
    who VARCHAR,
    organization_id UUID,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    measures TEXT[] NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by VARCHAR NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by VARCHAR,
    CONSTRAINT incident_kind CHECK (kind IN ('stolen_access', 'lost_device', 'unlawful_access', 'wrong_recipient',
        'stolen_data', 'lost_data', 'other')),
    CONSTRAINT incident_status CHECK (status IN ('open', 'closed')),
    CONSTRAINT incident_closed CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT incident_times CHECK (ended_at >= began_at)
);
CREATE INDEX incident_of_status ON incident (status, id);

CREATE TABLE legal_request (
    id UUID NOT NULL PRIMARY KEY,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    status VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    authority VARCHAR NOT NULL,
    asked TEXT[] NOT NULL,
    reference_sealed BYTEA,
    words_sealed BYTEA,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by VARCHAR NOT NULL,
    answer VARCHAR,
    ground VARCHAR,
    given TEXT[] NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    answered_by VARCHAR,
    notice VARCHAR,
    notice_reason VARCHAR,
    notice_due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT legal_request_status CHECK (status IN ('open', 'answered')),
    CONSTRAINT legal_request_authority CHECK (authority IN ('court', 'prosecutor', 'police', 'migration_authority',
        'child_protection_authority', 'human_rights_institution', 'tax_or_labour_authority', 'foreign_authority',
        'other')),
    CONSTRAINT legal_request_answer CHECK (answer IN ('refused', 'partly', 'given')),
    CONSTRAINT legal_request_ground CHECK (ground IN ('no_legal_basis', 'not_competent', 'too_broad',
        'danger_to_person', 'not_known', 'court_order', 'law_requires', 'consent_of_person', 'vital_interest')),
    CONSTRAINT legal_request_notice CHECK (notice IN ('given', 'deferred')),
    CONSTRAINT legal_request_notice_reason CHECK (notice_reason IN ('ordered_by_court', 'danger_to_person',
        'danger_to_others', 'no_safe_contact')),
    CONSTRAINT legal_request_answered CHECK (
        (status = 'answered') = (answered_at IS NOT NULL) AND (answer IS NULL) = (answered_at IS NULL)
        AND (ground IS NULL) = (answered_at IS NULL) AND (notice IS NULL) = (answered_at IS NULL)),
    CONSTRAINT legal_request_deferred CHECK ((notice = 'deferred') = (notice_due_at IS NOT NULL))
);
CREATE INDEX legal_request_of_returnee ON legal_request (returnee_id, id);
CREATE INDEX legal_request_of_status ON legal_request (status, id);
"""
POLICIES = {
    "incident": STAFF,
    "legal_request": "EXISTS (SELECT FROM returnee WHERE returnee.id = returnee_id)",
}


def _purposes(allowed: str) -> None:
    op.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_purpose")
    op.execute(f"ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_purpose CHECK (purpose IN ({allowed})) NOT VALID")


def upgrade() -> None:
    """Create the tables with row-level security, and allow the new purposes."""
    _purposes(PURPOSES)
    # The check reads the whole record, but stops nobody who writes to it.
    op.execute("ALTER TABLE audit_entry VALIDATE CONSTRAINT audit_entry_purpose")
    run_script(op, TABLES)
    for table, seen in POLICIES.items():
        run_script(op, wall(table, seen))


def downgrade() -> None:
    """Remove the tables. Entries with a new purpose stay, because nothing in the record may change."""
    for table in POLICIES:
        run_script(op, no_wall(table))
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP INDEX audit_entry_by_time")
    _purposes(BEFORE)
