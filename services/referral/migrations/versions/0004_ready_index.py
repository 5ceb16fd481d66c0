"""The index of ready referrals contains only those that may be placed. The queries have the same condition."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_READY = "CREATE INDEX ix_referral_ready ON referral (urgency_rank, waiting_since, referral_id) WHERE "


def upgrade() -> None:
    """Index only seeking and waitlisted referrals."""
    op.execute("DROP INDEX ix_referral_ready")
    op.execute(_READY + "ready_at IS NOT NULL AND status IN ('seeking', 'waitlisted')")


def downgrade() -> None:
    """Index all referrals with a time."""
    op.execute("DROP INDEX ix_referral_ready")
    op.execute(_READY + "ready_at IS NOT NULL")
