"""The country pack says which categories and documents there are, and which categories are restricted: the database
names none.

The policies of accreditations and agreements read the restricted categories from a setting of the transaction. Without
it they hide every row.
"""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import RESTRICTED, is_true, no_wall, wall

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The outer cast prevents ALL from reading this as a query of many rows.
HIDDEN = "(SELECT nullif(current_setting('enlace.hidden_categories', true), ''))::text[]"
SHOWN = f"(category <> ALL ({HIDDEN}) OR {RESTRICTED})"
SHOWN_BEFORE = f"(category NOT IN ('anti_trafficking', 'gbv') OR {RESTRICTED})"
ADMIN = is_true("enlace.administers")
OF_ORGANIZATION = "EXISTS (SELECT FROM organization WHERE organization.id = organization_id)"
CATEGORIES = (
    "'shelter', 'food', 'health', 'mhpss', 'documents', 'transport', 'family_contact', 'child_protection', 'training',"
    " 'employment', 'legal', 'anti_trafficking', 'gbv'"
)
CHECKS = (
    ("accreditation", "accreditation_category", f"category IN ({CATEGORIES})"),
    ("agreement", "agreement_category", f"category IN ({CATEGORIES})"),
    ("service", "service_category", f"category IN ({CATEGORIES})"),
    ("service", "service_restricted", "restricted OR NOT (category IN ('anti_trafficking', 'gbv'))"),
    (
        "required_document",
        "required_document_kind",
        "document IN ('identity_card', 'passport', 'birth_certificate', 'driving_licence', 'school_certificate')",
    ),
)


def upgrade() -> None:
    """Drop the conditions that named codes, and replace the policies."""
    for table, name, _ in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    _replace_walls(SHOWN)


def downgrade() -> None:
    """Restore both; this fails while a row has another code."""
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})")
    _replace_walls(SHOWN_BEFORE)


def _replace_walls(shown: str) -> None:
    seen = f"{OF_ORGANIZATION} AND {shown}"
    for table in ("accreditation", "agreement"):
        run_script(op, no_wall(table))
        run_script(op, wall(table, seen, f"{seen} AND {ADMIN}"))
