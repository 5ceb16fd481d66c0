"""Who heard a consent that was spoken."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# The guard of 0018; an erasure wipes the new column too.
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
SEALED = "'staff_reference_sealed',"
WITNESS = f"{SEALED} 'witness_reference_sealed',"


def upgrade() -> None:
    """Add the column, which an erasure may wipe."""
    run_script(op, "ALTER TABLE consent ADD COLUMN witness_reference_sealed BYTEA")
    run_script(op, GUARD % WITNESS)


def downgrade() -> None:
    """Remove it. The witnesses are lost."""
    run_script(op, GUARD % SEALED)
    run_script(op, "ALTER TABLE consent DROP COLUMN witness_reference_sealed")
