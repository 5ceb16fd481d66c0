"""What senders call a batch is sealed and found by a keyed hash; rows of before are sealed by the service.

From now on a batch is founded under its key only. A process of before, which founds it in clear, could not see that it is
there: it is told to try again, as after a conflict, until a process of now takes over.
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Neither index is one that a foreign key could use: sealing a batch must not wait for people who are registered in it.
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
# Nothing ages out of what was done by hand. Which event was given up is told by partition and offset too.
NOTES = """
UPDATE operator_action SET subject = subject - 'event_id'
    WHERE subject->>'topic' = 'enlace.arrivals' AND subject->>'event_id' NOT LIKE 'keyed:%';
"""


def upgrade() -> None:
    """Make room for what is sealed, and let no other batch come in clear."""
    run_script(op, COLUMNS)
    run_script(op, GUARD)
    run_script(op, NOTES)


def downgrade() -> None:
    """Refuse: without the key nothing goes back into the clear columns."""
    raise NotImplementedError("words of batches stay sealed")
