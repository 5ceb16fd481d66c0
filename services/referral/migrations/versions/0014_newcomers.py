"""An index of new referrals, without those that seek again."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """It has the order of a round, as `ix_referral_ready` has."""
    op.execute(
        "CREATE INDEX ix_referral_new ON referral (urgency_rank, waiting_since, referral_id)"
        " WHERE ready_at = opened_at AND status IN ('seeking', 'waitlisted')"
    )


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX ix_referral_new")
