"""Consents for one named organisation."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE consent ALTER COLUMN recipient_class DROP NOT NULL;
ALTER TABLE consent ADD COLUMN recipient_organization_id UUID;
ALTER TABLE consent ADD COLUMN recipient_name_sealed BYTEA;
ALTER TABLE consent ADD CONSTRAINT consent_one_recipient
    CHECK (num_nonnulls(recipient_class, recipient_organization_id) = 1 OR data_described_sealed IS NULL);
"""
# Nobody may get more than the person allowed, so an older version must not read a consent for one organisation as one
# for a class.
WITHOUT = """
ALTER TABLE consent DISABLE TRIGGER USER;
ALTER TABLE consent_withdrawal DISABLE TRIGGER USER;
DELETE FROM consent_withdrawal w USING consent c WHERE c.id = w.consent_id AND c.recipient_class IS NULL;
DELETE FROM consent WHERE recipient_class IS NULL;
ALTER TABLE consent ENABLE TRIGGER USER;
ALTER TABLE consent_withdrawal ENABLE TRIGGER USER;
ALTER TABLE consent DROP CONSTRAINT consent_one_recipient;
ALTER TABLE consent DROP COLUMN recipient_name_sealed;
ALTER TABLE consent DROP COLUMN recipient_organization_id;
ALTER TABLE consent ALTER COLUMN recipient_class SET NOT NULL;
"""
# The guard of 0030; an erasure wipes the new columns too.
GUARD = """
CREATE OR REPLACE FUNCTION refuse_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wiped text[] := ARRAY['data_described_sealed', 'discloser', 'language', 'staff_reference',
        %s 'given_at',
        'expires_at', 'recorded_at', 'withdrawn_at', 'recorded_by'];
    sealed text[] := ARRAY['staff_reference', 'staff_reference_sealed'];
    subject uuid;
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'consent' AND to_jsonb(NEW) - sealed = to_jsonb(OLD) - sealed THEN
        IF OLD.staff_reference <> '' AND OLD.staff_reference_sealed IS NULL
            AND NEW.staff_reference = '' AND NEW.staff_reference_sealed IS NOT NULL THEN
            RETURN NEW;
        END IF;
    END IF;
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
    RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""
BEFORE = "'staff_reference_sealed', 'witness_reference_sealed',"
AFTER = f"{BEFORE} 'recipient_organization_id', 'recipient_name_sealed',"


def upgrade() -> None:
    """Add the columns, which an erasure may wipe."""
    run_script(op, COLUMNS)
    run_script(op, GUARD % AFTER)


def downgrade() -> None:
    """Remove them, with the consents that name an organisation: those people must be asked again."""
    run_script(op, GUARD % BEFORE)
    run_script(op, WITHOUT)
