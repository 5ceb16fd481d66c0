"""What desks need: answers of one call kept for its repeat."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BULK_ANSWER = """
CREATE TABLE bulk_answer (
    call_id uuid NOT NULL,
    nth integer NOT NULL,
    offer_id uuid NOT NULL,
    status integer NOT NULL,
    problem jsonb,
    kept_until timestamptz NOT NULL,
    CONSTRAINT pk_bulk_answer PRIMARY KEY (call_id, nth)
)
"""


def upgrade() -> None:
    """One table."""
    op.execute(_BULK_ANSWER)
    op.execute("CREATE INDEX ix_bulk_answer_kept_until ON bulk_answer (kept_until)")


def downgrade() -> None:
    """Without it."""
    op.execute("DROP TABLE bulk_answer")
