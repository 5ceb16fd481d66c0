"""The conditions and the end of a safe contact; roles and desks in the record of access."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

CONTACTS = """
ALTER TABLE safe_contact
    ADD COLUMN address_owner VARCHAR,
    ADD COLUMN code_word_sealed BYTEA,
    ADD COLUMN may_name_organization BOOLEAN DEFAULT FALSE NOT NULL,
    ADD COLUMN expires_at TIMESTAMPTZ,
    ADD CONSTRAINT safe_contact_address_owner
        CHECK (address_owner IN ('own', 'relative', 'friend', 'employer', 'shared', 'other')),
    ADD CONSTRAINT safe_contact_nobody_has_no_end CHECK (channel <> 'none' OR expires_at IS NULL)
"""
NO_CONDITIONS = """
ALTER TABLE safe_contact
    DROP COLUMN address_owner, DROP COLUMN code_word_sealed, DROP COLUMN may_name_organization, DROP COLUMN expires_at
"""


def upgrade() -> None:
    """Add the columns. For stored contacts the days of the pack count, and nothing else was stated."""
    op.execute(CONTACTS)
    op.execute("ALTER TABLE audit_entry ADD COLUMN acting_as TEXT[]")


def downgrade() -> None:
    """Drop them. The conditions are lost, contacts do not end, and entries with a role do not match their seals."""
    op.execute("ALTER TABLE audit_entry DROP COLUMN acting_as")
    op.execute(NO_CONDITIONS)
