"""Queues and unmet needs are read and counted by kind."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_OPEN = "status = 'open' AND owner IS NOT NULL AND owner_reason NOT IN ('report_overdue', 'stay_ending')"
_ENDED = "status = 'closed' AND end_reason IN ('died', 'left_the_country', 'lost_contact', 'no_help_exists')"

UPGRADE = f"""
ALTER TABLE waitlist_entry ADD COLUMN kind VARCHAR;
UPDATE waitlist_entry SET kind = referral.kind FROM referral WHERE referral.referral_id = waitlist_entry.referral_id;
DROP INDEX ix_need_unmet_open;
CREATE INDEX ix_need_unmet_open ON need (restricted, category, kind, area, owner_reason, counted_until) WHERE {_OPEN};
DROP INDEX ix_need_unmet_ended;
CREATE INDEX ix_need_unmet_ended ON need (ended_at)
    INCLUDE (restricted, category, kind, area, end_reason, counted_until) WHERE {_ENDED};
"""
DOWNGRADE = f"""
ALTER TABLE waitlist_entry DROP COLUMN kind;
DROP INDEX ix_need_unmet_open;
CREATE INDEX ix_need_unmet_open ON need (restricted, category, area, owner_reason, counted_until) WHERE {_OPEN};
DROP INDEX ix_need_unmet_ended;
CREATE INDEX ix_need_unmet_ended ON need (ended_at)
    INCLUDE (restricted, category, area, end_reason, counted_until) WHERE {_ENDED};
"""


def upgrade() -> None:
    """Entries that wait already get the kind of their referral."""
    run_script(op, UPGRADE)


def downgrade() -> None:
    """Restore the earlier indexes, and remove the column."""
    run_script(op, DOWNGRADE)
