"""The sender's reference of a batch is sealed, and found by a keyed hash. The service seals the existing rows.

From now on a batch can only be created with its keyed hash. A process of an older version, which creates it in clear,
could not see that the batch already exists. It gets the error of a conflict, so that it retries until a process of this
version takes over.
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# A foreign key can use neither of these indexes, because the sealing of a batch must not wait for people who are
# registered in it.
COLUMNS = """
ALTER TABLE arrival_batch ADD COLUMN reference_key BYTEA, ADD COLUMN words_sealed BYTEA;
ALTER TABLE arrival_batch ALTER COLUMN sender_reference DROP NOT NULL;
ALTER TABLE arrival_batch ADD CONSTRAINT arrival_batch_has_a_name
    CHECK (reference_key IS NOT NULL OR sender_reference IS NOT NULL);
ALTER TABLE arrival_batch ADD CONSTRAINT arrival_batch_words_with_key
    CHECK ((reference_key IS NULL) = (words_sealed IS NULL));
CREATE UNIQUE INDEX arrival_batch_by_key ON arrival_batch (reference_key) WHERE reference_key IS NOT NULL;
CREATE INDEX arrival_batch_in_clear ON arrival_batch (id)
    WHERE sender_reference IS NOT NULL OR carrier IS NOT NULL OR origin IS NOT NULL;
"""
GUARD = """
CREATE FUNCTION refuse_batch_in_clear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.reference_key IS NULL THEN
        RAISE EXCEPTION 'batches are founded under a key now; end the processes of before'
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER under_a_key BEFORE INSERT ON arrival_batch FOR EACH ROW EXECUTE FUNCTION refuse_batch_in_clear();
"""
# Records of manual actions are never deleted because of their age, so ids of events in them are removed. Partition and
# offset still identify the event that was given up.
NOTES = """
UPDATE operator_action SET subject = subject - 'event_id'
    WHERE subject->>'topic' = 'enlace.arrivals' AND subject->>'event_id' NOT LIKE 'keyed:%';
"""


def upgrade() -> None:
    """Add the columns for sealed values, and refuse new batches in clear."""
    run_script(op, COLUMNS)
    run_script(op, GUARD)
    run_script(op, NOTES)


def downgrade() -> None:
    """Refuse: without the key the values cannot be written back into the clear columns."""
    raise NotImplementedError("words of batches stay sealed")
