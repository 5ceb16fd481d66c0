"""Accepted people whose service had not started when the provider counted remain subtracted from its figure."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEGUN_BEFORE = """
UPDATE place_hold SET begun_at = step.at,
    used = (place_hold.status = 'released' AND referral.status IN ('completed', 'cancelled'))
FROM offer JOIN referral USING (referral_id)
    JOIN step ON step.referral_id = referral.referral_id AND step.step = 'referral.start'
WHERE place_hold.offer_id = offer.offer_id AND place_hold.taken_at IS NOT NULL AND offer.status = 'accepted'
"""
COUNT_AGAIN = """
UPDATE pool SET taken_uncounted = coalesce((
    SELECT sum(place_count) FROM place_hold WHERE place_hold.pool_id = pool.pool_id
        AND (status = 'taken' OR used AND released_at > as_of) AND coalesce(begun_at > as_of, true)
), 0)
"""


def upgrade() -> None:
    """The recorded steps show which services have already started. Every pool is counted again."""
    op.execute("ALTER TABLE place_hold ADD COLUMN begun_at timestamptz, ADD COLUMN used boolean DEFAULT false NOT NULL")
    op.execute("ALTER TABLE pool ADD COLUMN accepted_left_out boolean DEFAULT false NOT NULL")
    op.execute("ALTER TABLE pool RENAME COLUMN taken_since TO taken_uncounted")
    op.execute(BEGUN_BEFORE)
    op.execute(COUNT_AGAIN)


def downgrade() -> None:
    """Only places that were taken after the provider counted are subtracted."""
    op.execute("ALTER TABLE pool RENAME COLUMN taken_uncounted TO taken_since")
    op.execute(
        "UPDATE pool SET taken_since = coalesce((SELECT sum(place_count) FROM place_hold"
        " WHERE place_hold.pool_id = pool.pool_id AND status = 'taken' AND taken_at > as_of), 0)"
    )
    op.execute("ALTER TABLE place_hold DROP COLUMN begun_at, DROP COLUMN used")
    op.execute("ALTER TABLE pool DROP COLUMN accepted_left_out")
