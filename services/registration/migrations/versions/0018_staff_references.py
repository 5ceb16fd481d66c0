"""References of the staff who took a consent are sealed. The service has the keys, so it seals the existing ones."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# A sealed reference leaves an empty text, not a NULL, because a process of an older version still reads the row and
# still writes in clear.
COLUMNS = """
ALTER TABLE consent ADD COLUMN staff_reference_sealed BYTEA;
ALTER TABLE consent ADD CONSTRAINT consent_staff_reference_once
    CHECK (staff_reference = '' OR staff_reference_sealed IS NULL);
CREATE INDEX consent_in_clear ON consent (id) WHERE staff_reference <> '';
"""

# Consents are append-only. Exceptions are an erasure, and this one column: it changes once from clear to sealed, and
# nothing else changes with it.
GUARD = """
CREATE OR REPLACE FUNCTION refuse_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wiped text[] := ARRAY['data_described_sealed', 'discloser', 'language', 'staff_reference',
        'staff_reference_sealed', 'given_at', 'expires_at', 'recorded_at', 'withdrawn_at', 'recorded_by'];
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
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""


def upgrade() -> None:
    """Add the column for sealed references, and allow the sealing."""
    run_script(op, COLUMNS)
    run_script(op, GUARD)


def downgrade() -> None:
    """Refuse: without the keys the references cannot be written back into the clear column."""
    raise NotImplementedError("references stay sealed")
