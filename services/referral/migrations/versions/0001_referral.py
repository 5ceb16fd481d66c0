"""The first tables of referral: read model of the directory, ledger, clocks, queues, journeys and their steps."""

from alembic import op

from libs.chassis.idempotency import create_table as create_idempotency_table
from libs.chassis.migrations import run_script
from libs.events.tables import create_tables as create_event_tables
from libs.events.tables import drop_tables as drop_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE arrival_batch (
    arrival_batch_id UUID NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    landed_at TIMESTAMP WITH TIME ZONE,
    people_count INTEGER,
    returnees_expected INTEGER,
    needs_expected INTEGER,
    opened_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_arrival_batch PRIMARY KEY (arrival_batch_id)
);

CREATE TABLE capacity (
    provider_service_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    version INTEGER NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_capacity PRIMARY KEY (provider_service_id)
);

CREATE TABLE exclusion (
    need_id UUID NOT NULL,
    provider_service_id UUID NOT NULL,
    code VARCHAR NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_exclusion PRIMARY KEY (need_id, provider_service_id)
);

CREATE TABLE household (
    household_id UUID NOT NULL,
    reference_returnee_id UUID NOT NULL,
    version INTEGER NOT NULL,
    member_ids UUID[] NOT NULL,
    expected_size INTEGER NOT NULL,
    stay_together BOOLEAN NOT NULL,
    CONSTRAINT pk_household PRIMARY KEY (household_id)
);

CREATE INDEX ix_household_reference_returnee_id ON household (reference_returnee_id);

CREATE TABLE journey (
    returnee_id UUID NOT NULL,
    case_code VARCHAR,
    profile JSONB,
    profile_version INTEGER NOT NULL,
    consent_version INTEGER NOT NULL,
    consented_until TIMESTAMP WITH TIME ZONE,
    household_id UUID,
    arrival_batch_id UUID,
    merged_into UUID,
    erased_at TIMESTAMP WITH TIME ZONE,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    traceparent VARCHAR,
    CONSTRAINT pk_journey PRIMARY KEY (returnee_id)
);

CREATE INDEX ix_journey_arrival_batch_id ON journey (arrival_batch_id);

CREATE TABLE need (
    need_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    household_id UUID,
    arrival_batch_id UUID,
    category VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    restricted BOOLEAN NOT NULL,
    after_need_id UUID,
    status VARCHAR NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    end_reason VARCHAR,
    owner VARCHAR,
    owner_reason VARCHAR,
    owned_since TIMESTAMP WITH TIME ZONE,
    traceparent VARCHAR,
    CONSTRAINT pk_need PRIMARY KEY (need_id),
    CONSTRAINT ck_need_category CHECK (category IN ('shelter', 'food', 'health', 'mhpss', 'documents', 'transport', 'family_contact', 'child_protection', 'training', 'employment', 'legal', 'anti_trafficking', 'gbv')),
    CONSTRAINT ck_need_urgency CHECK (urgency IN ('emergency', 'urgent', 'normal')),
    CONSTRAINT ck_need_status CHECK (status IN ('open', 'met', 'refused', 'closed')),
    CONSTRAINT ck_need_people_count CHECK (people_count > 0)
);

CREATE INDEX ix_need_arrival_batch_id ON need (arrival_batch_id);

CREATE INDEX ix_need_open ON need (need_id) WHERE status = 'open';

CREATE INDEX ix_need_owned ON need (owner, owned_since, need_id) WHERE owner IS NOT NULL;

CREATE INDEX ix_need_returnee_id ON need (returnee_id);

CREATE TABLE offer (
    offer_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    need_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    provider_service_id UUID NOT NULL,
    pool_id UUID NOT NULL,
    case_code VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    service_type VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    restricted BOOLEAN NOT NULL,
    status VARCHAR NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer_by TIMESTAMP WITH TIME ZONE NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    reason VARCHAR,
    note VARCHAR,
    explanation JSONB NOT NULL,
    traceparent VARCHAR,
    CONSTRAINT pk_offer PRIMARY KEY (offer_id),
    CONSTRAINT ck_offer_status CHECK (status IN ('pending', 'acknowledged', 'accepted', 'declined', 'expired', 'recalled'))
);

CREATE INDEX ix_offer_live_service ON offer (provider_service_id) WHERE status IN ('acknowledged', 'pending');

CREATE INDEX ix_offer_made_at ON offer (made_at);

CREATE INDEX ix_offer_organization ON offer (organization_id, status, offer_id);

CREATE INDEX ix_offer_organization_all ON offer (organization_id, offer_id);

CREATE INDEX ix_offer_returnee_id ON offer (returnee_id);

CREATE INDEX ix_offer_status ON offer (status, offer_id);

CREATE UNIQUE INDEX uq_offer_accepted ON offer (referral_id) WHERE status = 'accepted';

CREATE UNIQUE INDEX uq_offer_live ON offer (referral_id) WHERE status IN ('acknowledged', 'pending');

CREATE TABLE place_hold (
    offer_id UUID NOT NULL,
    pool_id UUID NOT NULL,
    place_count INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    held_at TIMESTAMP WITH TIME ZONE NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE,
    released_at TIMESTAMP WITH TIME ZONE,
    traceparent VARCHAR,
    CONSTRAINT pk_place_hold PRIMARY KEY (offer_id, pool_id),
    CONSTRAINT ck_place_hold_status CHECK (status IN ('held', 'taken', 'released')),
    CONSTRAINT ck_place_hold_place_count CHECK (place_count > 0)
);

CREATE INDEX ix_place_hold_live ON place_hold (pool_id) WHERE status <> 'released';

CREATE TABLE pool (
    pool_id UUID NOT NULL,
    provider_service_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    maximum INTEGER NOT NULL,
    ceiling INTEGER NOT NULL,
    available INTEGER NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    starts_on DATE,
    ends_on DATE,
    held INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    taken_since INTEGER NOT NULL,
    closed BOOLEAN NOT NULL,
    listed BOOLEAN NOT NULL,
    freed_count BIGINT NOT NULL,
    CONSTRAINT pk_pool PRIMARY KEY (pool_id),
    CONSTRAINT ck_pool_counts CHECK (held >= 0 AND taken >= 0 AND taken_since >= 0 AND maximum >= 0),
    CONSTRAINT ck_pool_never_above_ceiling CHECK (held + taken <= ceiling),
    CONSTRAINT ck_pool_ceiling_from_maximum CHECK (ceiling >= maximum)
);

CREATE INDEX ix_pool_provider_service_id ON pool (provider_service_id);

CREATE TABLE provider_organization (
    organization_id UUID NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    view JSONB NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT pk_provider_organization PRIMARY KEY (organization_id)
);

CREATE TABLE provider_service (
    provider_service_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    version INTEGER NOT NULL,
    category VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    view JSONB NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT pk_provider_service PRIMARY KEY (provider_service_id)
);

CREATE INDEX ix_provider_service_category ON provider_service (category);

CREATE INDEX ix_provider_service_organization_id ON provider_service (organization_id);

CREATE TABLE referral (
    referral_id UUID NOT NULL,
    need_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    household_id UUID,
    arrival_batch_id UUID,
    category VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    urgency_rank INTEGER NOT NULL,
    people_count INTEGER NOT NULL,
    restricted BOOLEAN NOT NULL,
    status VARCHAR NOT NULL,
    approved BOOLEAN NOT NULL,
    waiting_since TIMESTAMP WITH TIME ZONE NOT NULL,
    ready_at TIMESTAMP WITH TIME ZONE,
    tried_opening BIGINT NOT NULL,
    blocked_by UUID,
    offer_id UUID,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    end_reason VARCHAR,
    outcome VARCHAR,
    traceparent VARCHAR,
    CONSTRAINT pk_referral PRIMARY KEY (referral_id),
    CONSTRAINT ck_referral_status CHECK (status IN ('awaiting_review', 'blocked', 'seeking', 'waitlisted', 'offered', 'accepted', 'in_service', 'completed', 'cancelled', 'not_delivered', 'entered_in_error'))
);

CREATE INDEX ix_referral_awaiting_review ON referral (referral_id) WHERE status = 'awaiting_review';

CREATE INDEX ix_referral_household_id ON referral (household_id) WHERE household_id IS NOT NULL;

CREATE INDEX ix_referral_idle ON referral (category, urgency_rank, waiting_since, referral_id) WHERE ready_at IS NULL AND status IN ('seeking', 'waitlisted');

CREATE INDEX ix_referral_need_id ON referral (need_id);

CREATE INDEX ix_referral_ready ON referral (urgency_rank, waiting_since, referral_id) WHERE ready_at IS NOT NULL;

CREATE INDEX ix_referral_returnee_id ON referral (returnee_id);

CREATE UNIQUE INDEX uq_referral_live ON referral (need_id) WHERE status IN ('accepted', 'awaiting_review', 'blocked', 'in_service', 'offered', 'seeking', 'waitlisted');

CREATE TABLE review (
    review_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    need_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    restricted BOOLEAN NOT NULL,
    reason VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by VARCHAR,
    traceparent VARCHAR,
    CONSTRAINT pk_review PRIMARY KEY (review_id),
    CONSTRAINT ck_review_status CHECK (status IN ('pending', 'approved', 'rejected'))
);

CREATE INDEX ix_review_status ON review (status, review_id);

CREATE UNIQUE INDEX uq_review_pending ON review (referral_id) WHERE status = 'pending';

CREATE TABLE step (
    step_id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    returnee_id UUID NOT NULL,
    need_id UUID NOT NULL,
    referral_id UUID,
    offer_id UUID,
    step VARCHAR NOT NULL,
    led_to VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    reason VARCHAR,
    note VARCHAR,
    traceparent VARCHAR,
    CONSTRAINT pk_step PRIMARY KEY (step_id)
);

CREATE INDEX ix_step_returnee_id ON step (returnee_id, step_id);

CREATE TABLE timer (
    subject_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    nth INTEGER NOT NULL,
    returnee_id UUID NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    traceparent VARCHAR,
    CONSTRAINT pk_timer PRIMARY KEY (subject_id, kind, nth),
    CONSTRAINT ck_timer_kind CHECK (kind IN ('offer_reminder', 'offer_expiry', 'routing_deadline', 'household_deadline', 'waitlist_deadline', 'start_deadline', 'report_deadline'))
);

CREATE INDEX ix_timer_due_at ON timer (due_at);

CREATE TABLE waitlist_entry (
    referral_id UUID NOT NULL,
    need_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    urgency_rank INTEGER NOT NULL,
    people_count INTEGER NOT NULL,
    restricted BOOLEAN NOT NULL,
    waiting_since TIMESTAMP WITH TIME ZONE NOT NULL,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    provider_service_ids UUID[] NOT NULL,
    traceparent VARCHAR,
    CONSTRAINT pk_waitlist_entry PRIMARY KEY (referral_id)
);

CREATE INDEX ix_waitlist_entry_queue ON waitlist_entry (category, urgency_rank, waiting_since, referral_id);
"""

# Steps can only be added, by any database role.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of steps is only ever added to' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER step_is_append_only BEFORE UPDATE OR DELETE ON step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# Rows of these tables are inserted and deleted all the time. Autovacuum must start at a fixed number of dead rows,
# not at a share of the table.
QUEUES = """
ALTER TABLE timer SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE waitlist_entry SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE pool SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE referral SET (fillfactor = 80);
ALTER TABLE journey SET (fillfactor = 80);
"""


def upgrade() -> None:
    run_script(op, TABLES)
    run_script(op, APPEND_ONLY)
    run_script(op, QUEUES)
    create_event_tables(op)
    create_idempotency_table(op)


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_key")
    drop_event_tables(op)
    tables = "step review exclusion offer referral need arrival_batch household journey waitlist_entry timer place_hold pool capacity"
    for table in (*tables.split(), "provider_organization", "provider_service"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_change")
