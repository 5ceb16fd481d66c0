"""The conditions of a safe contact, and its end."""

from alembic import op

revision = "0041"
down_revision = "0039"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE safe_contact
    ADD COLUMN address_owner VARCHAR,
    ADD COLUMN code_word_sealed BYTEA,
    ADD COLUMN may_name_organization BOOLEAN DEFAULT FALSE NOT NULL,
    ADD COLUMN expires_at TIMESTAMPTZ,
    ADD CONSTRAINT safe_contact_address_owner
        CHECK (address_owner IN ('own', 'relative', 'friend', 'employer', 'shared', 'other')),
    ADD CONSTRAINT safe_contact_nobody_has_no_end CHECK (channel <> 'none' OR expires_at IS NULL);
"""
DOWN = """
ALTER TABLE safe_contact
    DROP COLUMN address_owner, DROP COLUMN code_word_sealed, DROP COLUMN may_name_organization, DROP COLUMN expires_at;
"""


def upgrade() -> None:
    """Add the columns. For stored contacts the days of the pack count, and nothing else was stated."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them. The conditions are lost, and contacts do not end."""
    op.execute(DOWN)
