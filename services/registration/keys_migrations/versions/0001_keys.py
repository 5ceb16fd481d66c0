"""The data keys, and the list of erased subjects. A subject on the list never gets a key again."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE data_key (
    subject_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    wrapped BYTEA NOT NULL,
    master_key_id VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (subject_id),
    CONSTRAINT data_key_kind CHECK (kind IN ('person', 'manifest'))
);

CREATE TABLE erased_subject (
    subject_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (subject_id),
    CONSTRAINT erased_subject_kind CHECK (kind IN ('person', 'manifest'))
);
"""

# A restored backup may contain keys of erased subjects. While their ids are on the list, their keys cannot come back.
GUARD = """
CREATE FUNCTION refuse_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erased_subject WHERE subject_id = NEW.subject_id) THEN
        RAISE EXCEPTION 'the subject has been erased' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_key_for_the_erased BEFORE INSERT OR UPDATE ON data_key
    FOR EACH ROW EXECUTE FUNCTION refuse_erased();
"""


def upgrade() -> None:
    """Create the tables and their guard."""
    run_script(op, TABLES)
    run_script(op, GUARD)


def downgrade() -> None:
    """Refuse: keys are not dropped by a downgrade."""
    raise NotImplementedError("the first migration is not undone: drop the database")
