"""Queues by pool, pools kept for the head of a queue, and an index of the holds of a pool in the order of offers."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_IDLE = "CREATE INDEX ix_referral_idle ON referral (category, urgency_rank, waiting_since, referral_id) WHERE "


def upgrade() -> None:
    """An existing entry is in the queue of no pool until a round looks at it again."""
    op.execute("DROP INDEX ix_place_hold_live")
    op.execute("CREATE INDEX ix_place_hold_live ON place_hold (pool_id, offer_id) WHERE status <> 'released'")
    op.execute(
        "CREATE INDEX ix_place_hold_freed ON place_hold (pool_id, released_at)"
        " WHERE taken_at IS NOT NULL AND released_at IS NOT NULL"
    )
    op.execute(
        "ALTER TABLE waitlist_entry ADD COLUMN pool_ids uuid[] NOT NULL DEFAULT '{}',"
        " ADD COLUMN pool_places integer[] NOT NULL DEFAULT '{}'"
    )
    op.execute(
        "ALTER TABLE waitlist_entry ALTER COLUMN pool_ids DROP DEFAULT, ALTER COLUMN pool_places DROP DEFAULT"
    )
    op.execute("CREATE INDEX ix_waitlist_entry_pool_ids ON waitlist_entry USING gin (pool_ids)")
    op.execute(
        "CREATE TABLE kept_pool (referral_id uuid NOT NULL, pool_id uuid NOT NULL, since timestamptz NOT NULL,"
        " until timestamptz NOT NULL, over boolean NOT NULL, CONSTRAINT pk_kept_pool PRIMARY KEY (referral_id))"
    )
    op.execute("CREATE UNIQUE INDEX uq_kept_pool_live ON kept_pool (pool_id) WHERE NOT over")
    op.execute("DROP INDEX ix_referral_idle")
    op.execute(_IDLE + "(ready_at IS NULL OR status = 'waitlisted') AND status IN ('seeking', 'waitlisted')")


def downgrade() -> None:
    """One queue per category again."""
    op.execute("DROP INDEX ix_referral_idle")
    op.execute(_IDLE + "ready_at IS NULL AND status IN ('seeking', 'waitlisted')")
    op.execute("DROP TABLE kept_pool")
    op.execute("ALTER TABLE waitlist_entry DROP COLUMN pool_ids, DROP COLUMN pool_places")
    op.execute("DROP INDEX ix_place_hold_freed")
    op.execute("DROP INDEX ix_place_hold_live")
    op.execute("CREATE INDEX ix_place_hold_live ON place_hold (pool_id) WHERE status <> 'released'")
