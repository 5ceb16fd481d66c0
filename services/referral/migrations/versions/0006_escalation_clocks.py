"""Clocks for acknowledging an offer and for an owner's silence; how far a search has widened; pacing."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KINDS = (
    "'offer_reminder', 'offer_expiry', 'routing_deadline', 'household_deadline', 'waitlist_deadline',"
    " 'start_deadline', 'report_deadline'"
)

_UPGRADE = f"""
ALTER TABLE need
    ADD COLUMN owner_level INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN owner_seen_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN owner_due_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN owner_overdue_since TIMESTAMP WITH TIME ZONE;

ALTER TABLE offer ADD COLUMN acknowledge_by TIMESTAMP WITH TIME ZONE;

ALTER TABLE referral ADD COLUMN ring INTEGER NOT NULL DEFAULT 0;

CREATE INDEX ix_offer_service_made_at ON offer (provider_service_id, made_at);

CREATE INDEX ix_referral_ready_at ON referral (ready_at)
    WHERE ready_at IS NOT NULL AND status IN ('seeking', 'waitlisted');

ALTER TABLE timer DROP CONSTRAINT ck_timer_kind;

ALTER TABLE timer ADD CONSTRAINT ck_timer_kind CHECK (kind IN ({_KINDS}, 'acknowledge_deadline', 'owner_silence'));

UPDATE need SET owner_due_at = greatest(owned_since, now()) + interval '1 day'
WHERE owner IS NOT NULL AND status = 'open';

INSERT INTO timer (subject_id, kind, nth, returnee_id, due_at, traceparent)
SELECT need_id, 'owner_silence', 0, returnee_id, owner_due_at, traceparent FROM need WHERE owner_due_at IS NOT NULL;
"""
# Existing owners get one day, because the migration does not read the deadlines in the pack.

_DOWNGRADE = f"""
DELETE FROM timer WHERE kind IN ('acknowledge_deadline', 'owner_silence');

ALTER TABLE timer DROP CONSTRAINT ck_timer_kind;

ALTER TABLE timer ADD CONSTRAINT ck_timer_kind CHECK (kind IN ({_KINDS}));

DROP INDEX ix_offer_service_made_at;

DROP INDEX ix_referral_ready_at;

ALTER TABLE offer DROP COLUMN acknowledge_by;

ALTER TABLE referral DROP COLUMN ring;

ALTER TABLE need
    DROP COLUMN owner_level, DROP COLUMN owner_seen_at, DROP COLUMN owner_due_at, DROP COLUMN owner_overdue_since;
"""


def upgrade() -> None:
    """Add the new kinds of clocks, and a clock for every existing owner."""
    run_script(op, _UPGRADE)


def downgrade() -> None:
    """Remove them."""
    run_script(op, _DOWNGRADE)
