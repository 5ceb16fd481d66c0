"""All tables of registration, the record of access and its seals, and the tables of the event bus."""

from alembic import op

from libs.chassis.idempotency import create_table as create_idempotency_table
from libs.chassis.migrations import run_script
from libs.events.tables import create_tables as create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE arrival_batch (
    id UUID NOT NULL,
    source VARCHAR NOT NULL,
    sender_reference VARCHAR NOT NULL,
    organization_id UUID,
    status VARCHAR NOT NULL,
    mode VARCHAR,
    carrier VARCHAR,
    origin VARCHAR,
    reception_place VARCHAR,
    expected_at TIMESTAMP WITH TIME ZONE,
    landed_at TIMESTAMP WITH TIME ZONE,
    people_count INTEGER,
    registered_count INTEGER NOT NULL,
    intake_completed_at TIMESTAMP WITH TIME ZONE,
    manifest_until TIMESTAMP WITH TIME ZONE,
    manifest_aged_out_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    traceparent VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT arrival_batch_of_sender UNIQUE (source, sender_reference),
    CONSTRAINT arrival_batch_status CHECK (status IN ('referenced', 'announced', 'landed', 'intake_completed')),
    CONSTRAINT arrival_batch_mode CHECK (mode IN ('flight', 'bus')),
    CONSTRAINT arrival_batch_people_count CHECK (people_count >= 0),
    CONSTRAINT arrival_batch_registered_count CHECK (registered_count >= 0),
    CONSTRAINT arrival_batch_landed CHECK (status NOT IN ('landed', 'intake_completed') OR (landed_at IS NOT NULL AND people_count IS NOT NULL AND mode IS NOT NULL AND reception_place IS NOT NULL))
);
CREATE INDEX arrival_batch_by_status ON arrival_batch (status, id);
CREATE INDEX arrival_batch_manifest_due ON arrival_batch (manifest_until) WHERE manifest_until IS NOT NULL;

CREATE TABLE audit_entry (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    transaction_id BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    subject_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    who VARCHAR NOT NULL,
    client_id VARCHAR NOT NULL,
    organization_id UUID,
    purpose VARCHAR NOT NULL,
    fields TEXT[] NOT NULL,
    referral_id UUID,
    offer_id UUID,
    trace_id VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT audit_entry_kind CHECK (kind IN ('read', 'write')),
    CONSTRAINT audit_entry_purpose CHECK (purpose IN ('registration', 'referral', 'family_contact', 'follow_up', 'correction', 'request_of_person', 'erasure'))
);
CREATE INDEX audit_entry_in_order ON audit_entry (transaction_id, id);
CREATE INDEX audit_entry_of_subject ON audit_entry (subject_id, id);

CREATE TABLE audit_seal (
    id BIGINT NOT NULL,
    from_transaction BIGINT NOT NULL,
    up_to_transaction BIGINT NOT NULL,
    entries_count INTEGER NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (up_to_transaction)
);

CREATE TABLE erasure (
    returnee_id UUID NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (returnee_id)
);

CREATE TABLE household (
    id UUID NOT NULL,
    reference_returnee_id UUID NOT NULL,
    reference_told BOOLEAN NOT NULL,
    expected_size INTEGER NOT NULL,
    stay_together BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    organization_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT household_expected_size CHECK (expected_size BETWEEN 1 AND 30)
);

CREATE TABLE packet_access (
    offer_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    provider_service_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    service_type VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closing VARCHAR,
    closes_at TIMESTAMP WITH TIME ZONE,
    traceparent VARCHAR,
    PRIMARY KEY (offer_id),
    CONSTRAINT packet_access_closing CHECK (closing IN ('completed', 'not_delivered', 'cancelled', 'recalled')),
    CONSTRAINT packet_access_closes_at CHECK ((closing IS NULL) = (closes_at IS NULL)),
    CONSTRAINT packet_access_people_count CHECK (people_count >= 1)
);
CREATE INDEX packet_access_open ON packet_access (referral_id) WHERE closes_at IS NULL;

CREATE TABLE returnee (
    id UUID NOT NULL,
    case_code TEXT NOT NULL,
    version INTEGER NOT NULL,
    arrival_key BYTEA NOT NULL,
    manifest_key BYTEA,
    source VARCHAR NOT NULL,
    organization_id UUID,
    arrival_batch_id UUID,
    reception_place VARCHAR,
    household_id UUID,
    arrived_at TIMESTAMP WITH TIME ZONE NOT NULL,
    age_band VARCHAR NOT NULL,
    sex VARCHAR NOT NULL,
    nationality VARCHAR NOT NULL,
    identity_document VARCHAR NOT NULL,
    documents_held TEXT[] NOT NULL,
    languages TEXT[] NOT NULL,
    destination VARCHAR,
    access_needs TEXT[] NOT NULL,
    protection_flags TEXT[] NOT NULL,
    avoid_places TEXT[] NOT NULL,
    avoid_organizations UUID[] NOT NULL,
    given_names_sealed BYTEA,
    family_names_sealed BYTEA,
    birth_date_sealed BYTEA,
    document_number_sealed BYTEA,
    sender_reference_sealed BYTEA,
    search_index BIGINT[] NOT NULL,
    traceparent VARCHAR,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT returnee_age_band CHECK (age_band IN ('under_5', '5_11', '12_17', '18_24', '25_34', '35_59', '60_plus', 'unknown')),
    CONSTRAINT returnee_sex CHECK (sex IN ('female', 'male', 'other', 'unknown')),
    CONSTRAINT returnee_identity_document CHECK (identity_document IN ('held', 'left_abroad', 'lost_on_route', 'never_applied')),
    CONSTRAINT returnee_version CHECK (version >= 1),
    CONSTRAINT returnee_named_until_erased CHECK (erased_at IS NOT NULL OR (given_names_sealed IS NOT NULL AND family_names_sealed IS NOT NULL)),
    UNIQUE (case_code),
    UNIQUE (arrival_key),
    FOREIGN KEY(arrival_batch_id) REFERENCES arrival_batch (id),
    FOREIGN KEY(household_id) REFERENCES household (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX returnee_of_batch ON returnee (arrival_batch_id, id);
CREATE INDEX returnee_of_household ON returnee (household_id, id);
CREATE INDEX returnee_without_place ON returnee (arrival_batch_id) WHERE reception_place IS NULL;
CREATE INDEX returnee_search_index ON returnee USING gin (search_index);

CREATE TABLE consent (
    id UUID NOT NULL,
    returnee_id UUID NOT NULL,
    discloser VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    recipient_class VARCHAR NOT NULL,
    data_described_sealed BYTEA NOT NULL,
    given_by VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    staff_reference VARCHAR NOT NULL,
    revocation_explained BOOLEAN NOT NULL,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT consent_purpose CHECK (purpose IN ('registration_services', 'referral', 'family_contact', 'follow_up', 'employer_sharing', 'statistics', 'research', 'justice')),
    CONSTRAINT consent_recipient_class CHECK (recipient_class IN ('providers', 'family', 'network_staff', 'employers', 'statistics_office', 'justice_bodies')),
    CONSTRAINT consent_given_by CHECK (given_by IN ('self', 'guardian', 'authority')),
    CONSTRAINT consent_method CHECK (method IN ('signature', 'voice', 'witnessed')),
    CONSTRAINT consent_ends_after_given CHECK (expires_at > given_at),
    CONSTRAINT consent_revocation_explained CHECK (revocation_explained),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);
CREATE INDEX consent_of_returnee ON consent (returnee_id, id);

CREATE TABLE consent_state (
    returnee_id UUID NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (returnee_id),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);

CREATE TABLE manifest_entry (
    id UUID NOT NULL,
    arrival_batch_id UUID NOT NULL,
    entry_key BYTEA NOT NULL,
    status VARCHAR NOT NULL,
    returnee_id UUID,
    sex VARCHAR NOT NULL,
    nationality VARCHAR,
    sender_reference_sealed BYTEA,
    given_names_sealed BYTEA,
    family_names_sealed BYTEA,
    birth_date_sealed BYTEA,
    PRIMARY KEY (id),
    CONSTRAINT manifest_entry_of_sender UNIQUE (arrival_batch_id, entry_key),
    CONSTRAINT manifest_entry_status CHECK (status IN ('expected', 'registered', 'absent')),
    CONSTRAINT manifest_entry_sex CHECK (sex IN ('female', 'male', 'other', 'unknown')),
    CONSTRAINT manifest_entry_registered CHECK ((status = 'registered') = (returnee_id IS NOT NULL)),
    FOREIGN KEY(arrival_batch_id) REFERENCES arrival_batch (id),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);
CREATE INDEX manifest_entry_of_batch ON manifest_entry (arrival_batch_id, id);
CREATE INDEX manifest_entry_open ON manifest_entry (arrival_batch_id) WHERE status = 'expected';

CREATE TABLE need (
    id UUID NOT NULL,
    need_key BYTEA,
    returnee_id UUID NOT NULL,
    household_id UUID,
    arrival_batch_id UUID,
    category VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    people_count INTEGER NOT NULL,
    after_need_id UUID,
    status VARCHAR NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    traceparent VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT need_category CHECK (category IN ('shelter', 'food', 'health', 'mhpss', 'documents', 'transport', 'family_contact', 'child_protection', 'training', 'employment', 'legal', 'anti_trafficking', 'gbv')),
    CONSTRAINT need_urgency CHECK (urgency IN ('emergency', 'urgent', 'normal')),
    CONSTRAINT need_status CHECK (status IN ('reported', 'withdrawn')),
    CONSTRAINT need_people_count CHECK (people_count BETWEEN 1 AND 30),
    CONSTRAINT need_of_many_has_household CHECK (people_count = 1 OR household_id IS NOT NULL),
    CONSTRAINT need_withdrawn_at CHECK ((status = 'withdrawn') = (withdrawn_at IS NOT NULL)),
    UNIQUE (need_key),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id),
    FOREIGN KEY(household_id) REFERENCES household (id),
    FOREIGN KEY(arrival_batch_id) REFERENCES arrival_batch (id),
    FOREIGN KEY(after_need_id) REFERENCES need (id)
);
CREATE INDEX need_of_batch ON need (arrival_batch_id);
CREATE INDEX need_of_returnee ON need (returnee_id, id);

CREATE TABLE safe_contact (
    returnee_id UUID NOT NULL,
    version INTEGER NOT NULL,
    channel VARCHAR NOT NULL,
    address_sealed BYTEA,
    language VARCHAR NOT NULL,
    hours_from INTEGER NOT NULL,
    hours_until INTEGER NOT NULL,
    may_leave_message BOOLEAN NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (returnee_id),
    CONSTRAINT safe_contact_channel CHECK (channel IN ('sms', 'call', 'email', 'relay', 'none')),
    CONSTRAINT safe_contact_hours CHECK (hours_from BETWEEN 0 AND 23 AND hours_until BETWEEN 1 AND 24),
    CONSTRAINT safe_contact_hours_in_order CHECK (hours_until > hours_from),
    CONSTRAINT safe_contact_address CHECK ((channel = 'none') = (address_sealed IS NULL)),
    FOREIGN KEY(returnee_id) REFERENCES returnee (id)
);

CREATE TABLE consent_withdrawal (
    consent_id UUID NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by VARCHAR NOT NULL,
    PRIMARY KEY (consent_id),
    FOREIGN KEY(consent_id) REFERENCES consent (id)
);
"""

# Rows that are written here cannot be changed: a person who can change the record could hide what they did (domain
# P19).
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""

TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    run_script(op, TABLES)
    run_script(op, APPEND_ONLY)
    for table in ("audit_entry", "audit_seal", "consent", "consent_withdrawal"):
        run_script(op, TRIGGER.format(table=table))
    create_idempotency_table(op)
    create_event_tables(op)


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the database")
