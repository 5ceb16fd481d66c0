"""Stays: how long people stay at a service, their exit plan, and the clocks of the end.

Live offers get the longest stay of their service, so that services that start from now on are stays. A service that
has already started keeps the clock of its outcome.
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
    "'offer_reminder', 'offer_expiry', 'routing_deadline', 'household_deadline', 'waitlist_deadline',"
    " 'start_deadline', 'report_deadline', 'acknowledge_deadline', 'owner_silence',"
    " 'search_deadline'"
)
KINDS = f"{KINDS_BEFORE}, 'stay_alarm', 'stay_end'"

TABLES = """
CREATE TABLE stay (
    referral_id UUID NOT NULL,
    offer_id UUID NOT NULL,
    need_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    provider_service_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    service_type VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    restricted BOOLEAN NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    extended_hours INTEGER NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    leaves_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_step VARCHAR NOT NULL,
    checklist JSONB NOT NULL,
    without_next_step BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    traceparent VARCHAR,
    CONSTRAINT pk_stay PRIMARY KEY (referral_id),
    CONSTRAINT ck_stay_next_step CHECK (next_step IN ('family', 'own_home', 'other_shelter', 'onward_transport',
        'institution', 'not_told', 'unknown')),
    CONSTRAINT ck_stay_ends_after_start CHECK (ends_at > started_at),
    CONSTRAINT ck_stay_leaves_at CHECK (leaves_at = coalesce(ended_at, ends_at))
);

CREATE INDEX ix_stay_leaving ON stay (leaves_at, referral_id) WHERE without_next_step;
CREATE INDEX ix_stay_running ON stay (leaves_at, referral_id) WHERE ended_at IS NULL;
CREATE INDEX ix_stay_ended ON stay (leaves_at, referral_id) WHERE ended_at IS NOT NULL;
CREATE INDEX ix_stay_organization ON stay (organization_id, leaves_at, referral_id) WHERE ended_at IS NULL;

ALTER TABLE offer ADD COLUMN max_stay_hours INTEGER;
UPDATE offer SET max_stay_hours = (view->>'max_stay_hours')::int FROM provider_service
WHERE provider_service.provider_service_id = offer.provider_service_id
  AND offer.status IN ('pending', 'acknowledged', 'accepted');
"""


def upgrade() -> None:
    """Add the table, columns and kinds of clocks."""
    run_script(op, TABLES)
    _let_timers_be(KINDS)


def downgrade() -> None:
    """Remove them. A service with a stay gets the clock of its outcome again, due when the stay would have ended."""
    op.execute("UPDATE timer SET kind = 'report_deadline' WHERE kind = 'stay_end'")
    op.execute("DELETE FROM timer WHERE kind = 'stay_alarm'")
    _let_timers_be(KINDS_BEFORE)
    op.execute("ALTER TABLE offer DROP COLUMN max_stay_hours")
    op.execute("DROP TABLE stay")


def _let_timers_be(kinds: str) -> None:
    op.execute("ALTER TABLE timer DROP CONSTRAINT ck_timer_kind")
    op.execute(f"ALTER TABLE timer ADD CONSTRAINT ck_timer_kind CHECK (kind IN ({kinds}))")
