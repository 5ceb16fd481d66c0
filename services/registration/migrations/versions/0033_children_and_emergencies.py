"""Releases of children, and access in an emergency: what the database shows under it, and nothing else."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import CALLER, closed_while, is_true, no_wall, wall

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

BEFORE = """'registration', 'referral', 'family_contact', 'follow_up', 'correction', 'request_of_person', 'erasure',
    'incident', 'legal_request'"""
PURPOSES = f"{BEFORE}, 'child_release', 'vital_interest'"
TABLES = """
CREATE TABLE child_release (
    id UUID NOT NULL PRIMARY KEY,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    status VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    relation VARCHAR NOT NULL,
    relative_sealed BYTEA,
    relative_key BYTEA,
    named_at TIMESTAMP WITH TIME ZONE NOT NULL,
    named_by VARCHAR NOT NULL,
    wish VARCHAR,
    not_heard_because VARCHAR,
    heard_by_sealed BYTEA,
    heard_at TIMESTAMP WITH TIME ZONE,
    heard_language VARCHAR,
    heard_words_sealed BYTEA,
    view_at TIMESTAMP WITH TIME ZONE,
    view_by VARCHAR,
    verified TEXT[] NOT NULL,
    verified_at TIMESTAMP WITH TIME ZONE,
    verified_by VARCHAR,
    authority VARCHAR,
    sign_off_reference_sealed BYTEA,
    signed_at TIMESTAMP WITH TIME ZONE,
    signed_by VARCHAR,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    withdrawn_because VARCHAR,
    released_at TIMESTAMP WITH TIME ZONE,
    released_by VARCHAR,
    released_to_place VARCHAR,
    relative_shown_by VARCHAR,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    cancelled_because VARCHAR,
    cancelled_by VARCHAR,
    CONSTRAINT child_release_status CHECK (status IN ('open', 'released', 'cancelled')),
    CONSTRAINT child_release_relation CHECK (relation IN ('mother', 'father', 'grandparent', 'sibling',
        'aunt_or_uncle', 'other_relative', 'legal_guardian')),
    CONSTRAINT child_release_wish CHECK (wish IN ('wants_to_go', 'unsure', 'does_not_want_to_go', 'is_afraid')),
    CONSTRAINT child_release_not_heard CHECK (not_heard_because IN ('infant', 'illness', 'does_not_want_to_speak')),
    CONSTRAINT child_release_withdrawn CHECK (withdrawn_because IN ('danger', 'relative_in_doubt',
        'child_changed_mind', 'court_decision', 'signed_in_error')),
    CONSTRAINT child_release_cancelled CHECK (cancelled_because IN ('danger', 'relative_not_verified',
        'relative_withdrew', 'child_does_not_want', 'other_measure', 'entered_in_error')),
    CONSTRAINT child_release_shown CHECK (relative_shown_by IN ('document_seen', 'known_to_verifier')),
    CONSTRAINT child_release_one_view CHECK (wish IS NULL OR not_heard_because IS NULL),
    CONSTRAINT child_release_complete CHECK (
        status <> 'released' OR (view_at IS NOT NULL AND verified_at IS NOT NULL AND signed_at IS NOT NULL
        AND withdrawn_at IS NULL AND released_at IS NOT NULL)),
    CONSTRAINT child_release_four_eyes CHECK (
        verified_by <> named_by AND signed_by <> named_by AND signed_by <> verified_by
        AND released_by <> verified_by AND released_by <> signed_by)
);
CREATE INDEX child_release_of_returnee ON child_release (returnee_id, id);
CREATE UNIQUE INDEX child_release_open ON child_release (returnee_id) WHERE status = 'open';
CREATE INDEX child_release_of_status ON child_release (status, id);

CREATE TABLE emergency (
    id UUID NOT NULL PRIMARY KEY,
    returnee_id UUID NOT NULL REFERENCES returnee (id),
    version INTEGER NOT NULL,
    reason VARCHAR NOT NULL,
    words_sealed BYTEA,
    organization_id UUID,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_by VARCHAR NOT NULL,
    asked_who VARCHAR NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by VARCHAR,
    decided_who VARCHAR,
    decision VARCHAR,
    ends_at TIMESTAMP WITH TIME ZONE,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    reviewed_by VARCHAR,
    verdict VARCHAR,
    CONSTRAINT emergency_reason CHECK (reason IN ('medical_emergency', 'danger_of_violence', 'suicide_risk',
        'child_in_danger', 'missing_in_danger')),
    CONSTRAINT emergency_decision CHECK (decision IN ('approved', 'refused')),
    CONSTRAINT emergency_verdict CHECK (verdict IN ('justified', 'not_justified', 'justified_read_too_much')),
    CONSTRAINT emergency_decided CHECK ((decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL) = (decided_by IS NULL)),
    CONSTRAINT emergency_ends CHECK ((decision IS NOT DISTINCT FROM 'approved') = (ends_at IS NOT NULL)),
    CONSTRAINT emergency_second_person CHECK (decided_by <> asked_by AND decided_who <> asked_who),
    CONSTRAINT emergency_reviewed CHECK ((verdict IS NULL) = (reviewed_at IS NULL))
);
CREATE INDEX emergency_of_returnee ON emergency (returnee_id, id);
CREATE INDEX emergency_to_review ON emergency (id) WHERE reviewed_at IS NULL;
"""
# A policy that asked for the person would be asked by the policy of the person in turn. So the caller's name decides.
ASKED_BY = "(SELECT current_setting('enlace.principal', true))"
NO_CALLER = "false"
"""Each step is checked first, and written as the service's own work: no caller approves by a query."""
POLICIES = {
    "child_release": f"{is_true('enlace.children_only')} AND EXISTS (SELECT FROM returnee WHERE id = returnee_id)",
    "emergency": f"asked_by = {ASKED_BY} OR {is_true('enlace.emergencies')}",
}
EMERGENCY = "enlace.emergency"
UNDER_IT = f"""(SELECT returnee_id FROM emergency
    WHERE id = (SELECT nullif(current_setting('{EMERGENCY}', true), '')::uuid) AND asked_by = {ASKED_BY}
    AND decision = 'approved' AND ends_at > (SELECT nullif(current_setting('enlace.at', true), '')::timestamptz))"""
OPENED = {"returnee": "id", "safe_contact": "returnee_id"}
"""What an emergency opens: one row of each of these tables."""
NOT_CLOSED = {*OPENED, "emergency", "audit_entry"}
_WALLED = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace ORDER BY relname"


def _purposes(allowed: str) -> None:
    op.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_purpose")
    op.execute(f"ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_purpose CHECK (purpose IN ({allowed})) NOT VALID")


def _closed() -> list[str]:
    walled = op.get_bind().exec_driver_sql(_WALLED).scalars().all()
    return [table for table in walled if table not in NOT_CLOSED]


def upgrade() -> None:
    """Create the tables with row-level security, and open one person's two rows under an emergency."""
    _purposes(PURPOSES)
    op.execute("ALTER TABLE audit_entry VALIDATE CONSTRAINT audit_entry_purpose")
    run_script(op, TABLES)
    for table, seen in POLICIES.items():
        run_script(op, wall(table, seen, NO_CALLER))
    for table, column in OPENED.items():
        seen = f"{CALLER} AND {column} = {UNDER_IT}"
        run_script(op, f"CREATE POLICY in_an_emergency ON {table} FOR SELECT USING ({seen})")
    for table in _closed():
        run_script(op, closed_while(table, EMERGENCY))


def downgrade() -> None:
    """Remove the tables and policies. Entries with a new purpose stay, because nothing in the record may change."""
    for table in _closed():
        run_script(op, f"DROP POLICY closed_while_emergency ON {table}")
    for table in OPENED:
        run_script(op, f"DROP POLICY in_an_emergency ON {table}")
    for table in reversed(POLICIES):
        run_script(op, no_wall(table))
        op.execute(f"DROP TABLE {table}")
    _purposes(BEFORE)
