"""For desks: indexes of work lists, absences, hand-overs, and stored results of calls with many answers."""

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

_ABSENCE = """
CREATE TABLE absence (
    absence_id uuid NOT NULL,
    desk varchar NOT NULL,
    deputy varchar NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason varchar NOT NULL,
    made_by varchar NOT NULL,
    made_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    CONSTRAINT pk_absence PRIMARY KEY (absence_id),
    CONSTRAINT ck_absence_reason
        CHECK (reason IN ('leave', 'holiday', 'illness', 'training', 'shift_ends', 'other')),
    CONSTRAINT ck_absence_times CHECK (starts_at < ends_at),
    CONSTRAINT ck_absence_deputy CHECK (desk <> deputy)
)
"""
_HAND_OVER = """
CREATE TABLE hand_over (
    hand_over_id uuid NOT NULL,
    from_desk varchar NOT NULL,
    to_desk varchar NOT NULL,
    returnee_id uuid,
    need_ids uuid[],
    restricted boolean NOT NULL,
    note varchar NOT NULL,
    made_by varchar NOT NULL,
    made_at timestamptz NOT NULL,
    moved_count integer NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_hand_over PRIMARY KEY (hand_over_id),
    CONSTRAINT ck_hand_over_desks CHECK (from_desk <> to_desk)
)
"""
_INDEXES = """
CREATE INDEX ix_absence_desk ON absence (desk, ends_at, absence_id) WHERE cancelled_at IS NULL;
CREATE INDEX ix_absence_deputy ON absence (deputy, ends_at) WHERE cancelled_at IS NULL;
CREATE INDEX ix_hand_over_unfinished ON hand_over (hand_over_id) WHERE finished_at IS NULL;
CREATE INDEX ix_need_owner_due ON need (owner, owner_due_at, need_id) WHERE owner IS NOT NULL;
CREATE INDEX ix_need_owned_since ON need (owned_since, need_id) WHERE owner IS NOT NULL;
CREATE INDEX ix_need_unmet ON need (category, need_id) WHERE status = 'open' AND owner IS NOT NULL
    OR status = 'closed' AND end_reason IN ('died', 'left_the_country', 'lost_contact', 'no_help_exists');
CREATE INDEX ix_referral_waiting ON referral (status, waiting_since, need_id) WHERE status IN
    ('accepted', 'awaiting_review', 'blocked', 'in_service', 'offered', 'seeking', 'waitlisted')
"""
_AREAS = """
UPDATE need SET area = journey.profile ->> 'destination' FROM journey
WHERE journey.returnee_id = need.returnee_id AND journey.profile IS NOT NULL
"""


def upgrade() -> None:
    """Add three tables, the destination of a need's returnee, and the indexes of the lists."""
    op.execute("ALTER TABLE need ADD COLUMN area varchar")
    op.execute(_AREAS)
    op.execute(_ABSENCE)
    op.execute(_HAND_OVER)
    for statement in _INDEXES.strip().split(";\n"):
        op.execute(statement)
    op.execute(_BULK_ANSWER)
    op.execute("CREATE INDEX ix_bulk_answer_kept_until ON bulk_answer (kept_until)")


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP TABLE bulk_answer")
    op.execute("DROP INDEX ix_referral_waiting")
    op.execute("DROP INDEX ix_need_unmet")
    op.execute("DROP INDEX ix_need_owned_since")
    op.execute("DROP INDEX ix_need_owner_due")
    op.execute("DROP TABLE hand_over")
    op.execute("DROP TABLE absence")
    op.execute("ALTER TABLE need DROP COLUMN area")
