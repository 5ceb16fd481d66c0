"""Free text about a returnee moves to a table of its own, so that an erasure can delete it.

Steps stay append-only. This migration is the only exception: it removes the text from them. Text about people who are
already erased, or were merged with an erased person, is not moved but deleted.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE note (
    note_id uuid NOT NULL,
    returnee_id uuid,
    hand_over_id uuid,
    text varchar NOT NULL,
    written_at timestamptz NOT NULL,
    CONSTRAINT pk_note PRIMARY KEY (note_id)
);
CREATE INDEX ix_note_returnee_id ON note (returnee_id);
CREATE INDEX ix_note_hand_over_id ON note (hand_over_id) WHERE hand_over_id IS NOT NULL;
CREATE INDEX ix_note_of_nobody ON note (written_at) WHERE returnee_id IS NULL
"""
_GONE = """
CREATE TEMPORARY TABLE gone ON COMMIT DROP AS
WITH RECURSIVE person(returnee_id) AS (
    SELECT returnee_id FROM journey WHERE erased_at IS NOT NULL
    UNION
    SELECT CASE WHEN journey.returnee_id = person.returnee_id THEN journey.merged_into ELSE journey.returnee_id END
    FROM journey JOIN person ON person.returnee_id IN (journey.returnee_id, journey.merged_into)
    WHERE journey.merged_into IS NOT NULL
)
SELECT returnee_id FROM person
"""
_MOVE = """
ALTER TABLE {table} ADD COLUMN note_id uuid;
UPDATE {table} SET note_id = gen_random_uuid() WHERE note IS NOT NULL
    AND (returnee_id IS NULL OR returnee_id NOT IN (SELECT returnee_id FROM gone));
INSERT INTO note (note_id, returnee_id, text, written_at)
    SELECT note_id, returnee_id, note, coalesce({at}, clock_timestamp()) FROM {table} WHERE note_id IS NOT NULL
"""
# The values are deleted before the column, because the values of a dropped column stay in a row until it is
# rewritten.
_DROP = """
UPDATE {table} SET note = NULL WHERE note IS NOT NULL;
ALTER TABLE {table} DROP COLUMN note
"""


def upgrade() -> None:
    """Move the notes of steps and reviews. Offers and search attempts had only copies of them, which are dropped."""
    _run(_TABLE)
    op.execute(_GONE)
    op.execute("ALTER TABLE step DISABLE TRIGGER step_is_append_only")
    for table, at in (("step", "at"), ("review", "decided_at")):
        _run(_MOVE.format(table=table, at=at))
    for table in ("step", "review", "offer", "search_attempt"):
        _run(_DROP.format(table=table))
    op.execute("ALTER TABLE step ENABLE TRIGGER step_is_append_only")
    op.execute("ALTER TABLE hand_over ALTER COLUMN note DROP NOT NULL")
    op.execute("UPDATE hand_over SET note = NULL WHERE finished_at IS NOT NULL")


def downgrade() -> None:
    """Move the notes back. Offers and search attempts do not get their copies back."""
    op.execute("UPDATE hand_over SET note = '' WHERE note IS NULL")
    op.execute("ALTER TABLE hand_over ALTER COLUMN note SET NOT NULL")
    op.execute("ALTER TABLE step DISABLE TRIGGER step_is_append_only")
    for table in ("offer", "search_attempt", "step", "review"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN note varchar")
    for table in ("step", "review"):
        op.execute(f"UPDATE {table} SET note = note.text FROM note WHERE note.note_id = {table}.note_id")  # noqa: S608
        op.execute(f"ALTER TABLE {table} DROP COLUMN note_id")
    op.execute("ALTER TABLE step ENABLE TRIGGER step_is_append_only")
    op.execute("DROP TABLE note")


def _run(script: str) -> None:
    for statement in script.strip().split(";\n"):
        op.execute(statement)
