"""The country pack says which categories there are, and the service checks them: the database names none."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CATEGORIES = (
    "'shelter', 'food', 'health', 'mhpss', 'documents', 'transport', 'family_contact', 'child_protection', 'training',"
    " 'employment', 'legal', 'anti_trafficking', 'gbv'"
)
CHECKS = {"need": "need_category", "packet_share": "packet_share_category"}


def upgrade() -> None:
    """Drop the conditions that named the categories."""
    for table, name in CHECKS.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def downgrade() -> None:
    """Restore them; this fails while a row has another category."""
    for table, name in CHECKS.items():
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (category IN ({CATEGORIES}))")
