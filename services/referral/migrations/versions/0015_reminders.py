"""Providers are reminded of what they have accepted: before it must begin, and before its outcome must be told.

What was accepted before has the deadline that it was given, and is not reminded.
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
    """Two more kinds of clocks."""
    _only(KINDS)


def downgrade() -> None:
    """As it was; reminders that wait are dropped, deadlines stay."""
    op.execute("DELETE FROM timer WHERE kind IN ('start_reminder', 'report_reminder')")
    _only(KINDS_BEFORE)


def _only(kinds: str) -> None:
    op.execute("ALTER TABLE timer DROP CONSTRAINT ck_timer_kind")
    op.execute(f"ALTER TABLE timer ADD CONSTRAINT ck_timer_kind CHECK (kind IN ({kinds}))")
