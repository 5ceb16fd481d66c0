"""Consents are stored by purpose and recipient class, because the categories of a pack require different ones.

Until now only the consent to referral was stored. A replay of registration's log adds the others.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Store all consents of a person in one column."""
    op.execute("ALTER TABLE journey ADD COLUMN consents JSONB NOT NULL DEFAULT '{}'")
    op.execute(
        """
        UPDATE journey SET consents = jsonb_build_object('referral:providers', consented_until)
        WHERE consented_until IS NOT NULL
        """
    )
    op.execute("ALTER TABLE journey DROP COLUMN consented_until")


def downgrade() -> None:
    """Restore the earlier column. All consents except the one to referral are dropped."""
    op.execute("ALTER TABLE journey ADD COLUMN consented_until TIMESTAMP WITH TIME ZONE")
    op.execute("UPDATE journey SET consented_until = (consents ->> 'referral:providers')::timestamptz")
    op.execute("ALTER TABLE journey DROP COLUMN consents")
