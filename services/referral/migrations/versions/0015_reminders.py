"""Providers are reminded of accepted referrals: before the service must start, and before its outcome is due.

Referrals that are already accepted keep their deadline and get no reminders.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
    "'offer_reminder', 'offer_expiry', 'routing_deadline', 'household_deadline', 'waitlist_deadline',"
    " 'start_deadline', 'report_deadline', 'acknowledge_deadline', 'owner_silence',"
    " 'search_deadline', 'stay_alarm', 'stay_end'"
)
KINDS = f"{KINDS_BEFORE}, 'start_reminder', 'report_reminder'"


def upgrade() -> None:
    """Add two kinds of clocks."""
    _only(KINDS)


def downgrade() -> None:
    """Remove both kinds. Waiting reminders are deleted; deadlines remain."""
    op.execute("DELETE FROM timer WHERE kind IN ('start_reminder', 'report_reminder')")
    _only(KINDS_BEFORE)


def _only(kinds: str) -> None:
    op.execute("ALTER TABLE timer DROP CONSTRAINT ck_timer_kind")
    op.execute(f"ALTER TABLE timer ADD CONSTRAINT ck_timer_kind CHECK (kind IN ({kinds}))")
