"""What people wrote about a returnee moves to a table of its own, from which an erasure can wipe it.

The record of steps stays append-only: this migration is the one exception, and takes the words out of it. Words about
people who have been erased already, or were merged with one, do not come along.
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
# The values go before their column: a dropped column's values stay in its rows until these are written anew.
_DROP = """
UPDATE {table} SET note = NULL WHERE note IS NOT NULL;
ALTER TABLE {table} DROP COLUMN note
"""


def upgrade() -> None:
    """Notes of steps and reviews move; offers and search attempts held copies of their steps' notes."""
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
    """The words go back to where they were; offers and search attempts stay without their copies."""
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
