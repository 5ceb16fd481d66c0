"""An erasure deletes sealed values and makes identifying facts coarser, also for people who were erased before."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE erasure ADD COLUMN arrival_key BYTEA;
CREATE INDEX erasure_of_arrival ON erasure (arrival_key) WHERE arrival_key IS NOT NULL;
CREATE TABLE spent_case_code (case_code TEXT NOT NULL, PRIMARY KEY (case_code));
ALTER TABLE returnee ALTER COLUMN case_code DROP NOT NULL, ALTER COLUMN arrival_key DROP NOT NULL;
ALTER TABLE returnee ADD CONSTRAINT returnee_known_until_erased
    CHECK (erased_at IS NOT NULL OR (case_code IS NOT NULL AND arrival_key IS NOT NULL));
ALTER TABLE consent ALTER COLUMN data_described_sealed DROP NOT NULL;
ALTER TABLE deletion_request ALTER COLUMN case_code DROP NOT NULL;
ALTER TABLE manifest_entry ALTER COLUMN entry_key DROP NOT NULL;
"""

# Consents are append-only. Only an erasure changes them, and only the columns that show who the person was and the
# exact time.
GUARD = """
CREATE FUNCTION refuse_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wiped text[] := ARRAY['data_described_sealed', 'discloser', 'language', 'staff_reference', 'given_at',
        'expires_at', 'recorded_at', 'withdrawn_at', 'recorded_by'];
    subject uuid;
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - wiped = to_jsonb(OLD) - wiped THEN
        IF TG_TABLE_NAME = 'consent' THEN
            subject := OLD.returnee_id;
        ELSE
            SELECT returnee_id INTO subject FROM consent WHERE id = OLD.consent_id;
        END IF;
        IF EXISTS (SELECT FROM returnee WHERE id = subject AND erased_at IS NOT NULL) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""
TRIGGER = """
DROP TRIGGER append_only ON {table};
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but_erasure();
"""

KEEP = """
UPDATE erasure SET arrival_key = returnee.arrival_key FROM returnee
    WHERE returnee.id = returnee_id AND erasure.erased_at > now() - interval '30 days';
INSERT INTO spent_case_code SELECT case_code FROM returnee WHERE erased_at IS NOT NULL;
"""

WIPE = """
UPDATE consent_withdrawal SET withdrawn_at = date_trunc('month', withdrawn_at AT TIME ZONE 'UTC') AT TIME ZONE
    'UTC', recorded_by = '' WHERE consent_id IN (SELECT id FROM consent WHERE returnee_id IN (SELECT id FROM
    returnee WHERE erased_at IS NOT NULL));
UPDATE consent SET data_described_sealed = NULL, discloser = '', language = '', staff_reference = '', given_at
    = date_trunc('month', given_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', expires_at = date_trunc('month',
    expires_at AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC', recorded_at = date_trunc('month',
    recorded_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' WHERE returnee_id IN (SELECT id FROM returnee WHERE
    erased_at IS NOT NULL);
DELETE FROM safe_contact WHERE returnee_id IN (SELECT id FROM returnee WHERE erased_at IS NOT NULL);
DELETE FROM arrival_told WHERE returnee_id IN (SELECT id FROM returnee WHERE erased_at IS NOT NULL);
DELETE FROM household_claim WHERE returnee_id IN (SELECT id FROM returnee WHERE erased_at IS NOT NULL);
UPDATE doubtful_part SET value_sealed = NULL, set_aside_at = date_trunc('month', set_aside_at AT TIME ZONE
    'UTC') AT TIME ZONE 'UTC' WHERE returnee_id IN (SELECT id FROM returnee WHERE erased_at IS NOT NULL);
UPDATE manifest_entry SET sender_reference_sealed = NULL, given_names_sealed = NULL, family_names_sealed =
    NULL, birth_date_sealed = NULL, nationality = NULL WHERE returnee_id IN (SELECT id FROM returnee WHERE
    erased_at IS NOT NULL);
UPDATE need_repeat SET need_key = NULL, reported_at = date_trunc('month', reported_at AT TIME ZONE 'UTC') AT
    TIME ZONE 'UTC' WHERE need_id IN (SELECT id FROM need WHERE returnee_id IN (SELECT id FROM returnee WHERE
    erased_at IS NOT NULL));
UPDATE need SET need_key = NULL, arrival_batch_id = NULL, reported_at = date_trunc('month', reported_at AT
    TIME ZONE 'UTC') AT TIME ZONE 'UTC', withdrawn_at = date_trunc('month', withdrawn_at AT TIME ZONE 'UTC')
    AT TIME ZONE 'UTC', ended_at = date_trunc('month', ended_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    heard_as_of = date_trunc('month', heard_as_of AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', traceparent = NULL
    WHERE returnee_id IN (SELECT id FROM returnee WHERE erased_at IS NOT NULL);
UPDATE packet_access SET traceparent = NULL WHERE returnee_id IN (SELECT id FROM returnee WHERE erased_at IS
    NOT NULL);
UPDATE deletion_request SET case_code = CASE WHEN answer IS NULL THEN case_code END WHERE returnee_id IN
    (SELECT id FROM returnee WHERE erased_at IS NOT NULL);
UPDATE returnee SET case_code = NULL, arrival_key = NULL, manifest_key = NULL, arrival_batch_id = NULL,
    household_id = NULL, arrived_at = date_trunc('month', arrived_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    documents_held = '{}', languages = '{}', destination = left(destination, 4), access_needs = '{}',
    protection_flags = '{}', avoid_places = '{}', avoid_organizations = '{}', given_names_sealed = NULL,
    family_names_sealed = NULL, birth_date_sealed = NULL, document_number_sealed = NULL,
    sender_reference_sealed = NULL, search_index = '{}', traceparent = NULL, registered_at =
    date_trunc('month', registered_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' WHERE id IN (SELECT id FROM
    returnee WHERE erased_at IS NOT NULL);
"""
AGED_OUT = """
UPDATE manifest_entry SET entry_key = NULL
    WHERE arrival_batch_id IN (SELECT id FROM arrival_batch WHERE manifest_aged_out_at IS NOT NULL);
UPDATE returnee SET manifest_key = NULL
    WHERE arrival_batch_id IN (SELECT id FROM arrival_batch WHERE manifest_aged_out_at IS NOT NULL);
"""


def upgrade() -> None:
    """Allow the columns to be emptied, then empty those of everybody who was erased before."""
    run_script(op, COLUMNS)
    run_script(op, GUARD)
    for table in ("consent", "consent_withdrawal"):
        run_script(op, TRIGGER.format(table=table))
    run_script(op, KEEP)
    run_script(op, WIPE)
    run_script(op, AGED_OUT)
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # so that a later migration in the transaction can alter the table


def downgrade() -> None:
    """Refuse: deleted values cannot be restored."""
    raise NotImplementedError("erased people stay erased")
