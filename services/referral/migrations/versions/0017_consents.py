"""Consents are kept by purpose and recipient class: the categories of a pack ask for different ones.

Until now only the one to referral was kept. The others are filled in when registration's log is told again.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """All consents of a person in one column."""
    op.execute("ALTER TABLE journey ADD COLUMN consents JSONB NOT NULL DEFAULT '{}'")
    op.execute(
        """
        UPDATE journey SET consents = jsonb_build_object('referral:providers', consented_until)
        WHERE consented_until IS NOT NULL
        """
    )
    op.execute("ALTER TABLE journey DROP COLUMN consented_until")


def downgrade() -> None:
    """As it was; other consents than that to referral are dropped."""
    op.execute("ALTER TABLE journey ADD COLUMN consented_until TIMESTAMP WITH TIME ZONE")
    op.execute("UPDATE journey SET consented_until = (consents ->> 'referral:providers')::timestamptz")
    op.execute("ALTER TABLE journey DROP COLUMN consents")
