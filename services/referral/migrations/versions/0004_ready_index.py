"""The index of referrals to look at holds only those that may be placed: what is asked of it says so too."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_READY = "CREATE INDEX ix_referral_ready ON referral (urgency_rank, waiting_since, referral_id) WHERE "


def upgrade() -> None:
    """Only seeking and waitlisted ones."""
    op.execute("DROP INDEX ix_referral_ready")
    op.execute(_READY + "ready_at IS NOT NULL AND status IN ('seeking', 'waitlisted')")


def downgrade() -> None:
    """All that have a time."""
    op.execute("DROP INDEX ix_referral_ready")
    op.execute(_READY + "ready_at IS NOT NULL")
