"""Row-level security: a request sees only the rows that its caller may see; the service's own work sees all rows."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import ORGANIZATION, RESTRICTED, STAFF, is_true, no_wall, wall

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The outer cast prevents ANY and ALL from reading this as a query of many rows.
AREAS = "(SELECT nullif(current_setting('enlace.areas', true), ''))::text[]"
SOURCE = "(SELECT current_setting('enlace.source', true))"
HIDDEN = "(SELECT nullif(current_setting('enlace.hidden_categories', true), ''))::text[]"
# Rows of the network without a known place of reception are visible to every reception until the place is known.
HERE = f"""({is_true("enlace.everywhere")} OR reception_place LIKE ANY ({AREAS})
    OR (cardinality({AREAS}) > 0 AND reception_place IS NULL AND organization_id IS NULL))"""
SIGHT = f"""(organization_id = {ORGANIZATION}
    OR ({ORGANIZATION} IS NOT NULL AND organization_id IS NULL AND {HERE})
    OR ({ORGANIZATION} IS NULL AND ({HERE} OR (organization_id IS NULL AND source = {SOURCE}))))"""
PERSON = f"""CASE WHEN {is_true("enlace.children_only")}
    THEN age_band IN ('under_5', '5_11', '12_17', 'unknown')
        OR protection_flags && ARRAY['unaccompanied_child', 'age_disputed']
    ELSE {SIGHT} END"""
OF_PERSON = "EXISTS (SELECT FROM returnee WHERE returnee.id = returnee_id)"
NO_CALLER = "false"
POLICIES = {
    "returnee": (PERSON, None),
    "arrival_batch": (SIGHT, None),
    "manifest_entry": ("EXISTS (SELECT FROM arrival_batch WHERE arrival_batch.id = arrival_batch_id)", None),
    "household_claim": (OF_PERSON, None),
    # A caller who decides on a claim sees the household that the claim names.
    "household": (
        "EXISTS (SELECT FROM returnee WHERE returnee.household_id = household.id)"
        " OR EXISTS (SELECT FROM household_claim WHERE household_claim.household_id = household.id)",
        None,
    ),
    "need": (f"{OF_PERSON} OR EXISTS (SELECT FROM returnee WHERE returnee.household_id = need.household_id)", None),
    "need_repeat": ("EXISTS (SELECT FROM need WHERE need.id = need_id)", None),
    "restricted_need": (RESTRICTED, None),
    "restricted_repeat": (RESTRICTED, None),
    "consent": (OF_PERSON, None),
    "consent_withdrawal": ("EXISTS (SELECT FROM consent WHERE consent.id = consent_id)", None),
    "consent_state": (OF_PERSON, None),
    "safe_contact": (OF_PERSON, None),
    "doubtful_part": (f"{OF_PERSON} AND (pointer NOT LIKE '/needs%' OR {RESTRICTED})", None),
    "packet_access": (f"organization_id = {ORGANIZATION} AND category <> ALL ({HIDDEN})", None),
    "deletion_request": (f"(organization_id = {ORGANIZATION} OR {STAFF}) AND category <> ALL ({HIDDEN})", None),
    "erasure": (OF_PERSON, NO_CALLER),
    # Each access adds an entry; nobody changes an entry.
    "audit_entry": (
        f"EXISTS (SELECT FROM returnee WHERE returnee.id = subject_id)"
        f" AND (action NOT LIKE 'restricted.%' OR {RESTRICTED})",
        "true",
    ),
    "arrival_told": (NO_CALLER, None),
    "packet_share": (NO_CALLER, None),
    "deletion_answer": (NO_CALLER, None),
    "provider_standing": (NO_CALLER, None),
    "spent_case_code": (NO_CALLER, None),
    "audit_seal": (NO_CALLER, None),
}


def upgrade() -> None:
    """Enable row-level security on every table."""
    for table, (seen, written) in POLICIES.items():
        run_script(op, wall(table, seen, written))


def downgrade() -> None:
    """Remove row-level security."""
    for table in POLICIES:
        run_script(op, no_wall(table))
