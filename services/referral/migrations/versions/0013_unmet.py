"""Indexes for counting unmet needs and for reading reviews and queues, with and without restricted rows."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OPEN = "status = 'open' AND owner IS NOT NULL AND owner_reason NOT IN ('report_overdue', 'stay_ending')"
_ENDED = "status = 'closed' AND end_reason IN ('died', 'left_the_country', 'lost_contact', 'no_help_exists')"
_INDEXES = (
    f"CREATE INDEX ix_need_unmet ON need (restricted, category, need_id) WHERE {_OPEN} OR {_ENDED}",
    f"CREATE INDEX ix_need_unmet_open ON need (restricted, category, area, owner_reason) WHERE {_OPEN}",
    "CREATE INDEX ix_need_unmet_ended ON need (ended_at) INCLUDE (restricted, category, area, end_reason)"
    f" WHERE {_ENDED}",
    "CREATE INDEX ix_review_status ON review (status, restricted, review_id)",
    "CREATE INDEX ix_review_desk ON review (desk, status, restricted, review_id)",
    "CREATE INDEX ix_review_category ON review (category, status, restricted, review_id)",
    "CREATE INDEX ix_waitlist_entry_ordinary ON waitlist_entry (category, urgency_rank, waiting_since, referral_id)"
    " WHERE NOT restricted",
)


def upgrade() -> None:
    """Restricted rows are in a separate part of each index, so that they need not be skipped one by one."""
    op.execute("DROP INDEX ix_need_unmet")
    op.execute("DROP INDEX ix_review_status")
    for statement in _INDEXES:
        op.execute(statement)


def downgrade() -> None:
    """Restore the earlier indexes."""
    op.execute("DROP INDEX ix_waitlist_entry_ordinary")
    op.execute("DROP INDEX ix_review_category")
    op.execute("DROP INDEX ix_review_desk")
    op.execute("DROP INDEX ix_review_status")
    op.execute("DROP INDEX ix_need_unmet_ended")
    op.execute("DROP INDEX ix_need_unmet_open")
    op.execute("DROP INDEX ix_need_unmet")
    op.execute("CREATE INDEX ix_review_status ON review (status, review_id)")
    op.execute(
        "CREATE INDEX ix_need_unmet ON need (category, need_id) WHERE status = 'open' AND owner IS NOT NULL"
        f" OR {_ENDED}"
    )
