"""Offers are evaluated again: what is halted and why, which rules are overruled, and whose offers are evaluated."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OVERRULED = """
UPDATE referral SET overruled = ARRAY(SELECT jsonb_array_elements_text(explanation -> 'overruled'))
FROM offer
WHERE offer.offer_id = referral.offer_id AND jsonb_typeof(explanation -> 'overruled') = 'array'
  AND referral.status IN ('offered', 'accepted', 'in_service')
"""


def upgrade() -> None:
    """The rules that a person has overruled for present offers are stored with their referrals."""
    op.execute(
        "ALTER TABLE referral ADD COLUMN overruled text[] NOT NULL DEFAULT '{}', ADD COLUMN halted_since timestamptz,"
        " ADD COLUMN halted_for text[] NOT NULL DEFAULT '{}'"
    )
    op.execute(_OVERRULED)
    op.execute("CREATE INDEX ix_referral_halted ON referral (halted_since, need_id) WHERE halted_since IS NOT NULL")
    op.execute("CREATE TABLE republished (provider_service_id uuid CONSTRAINT pk_republished PRIMARY KEY, looked_at timestamptz)")
    op.execute("CREATE TABLE journey_to_judge (returnee_id uuid CONSTRAINT pk_journey_to_judge PRIMARY KEY)")


def downgrade() -> None:
    """Remove them. Halted offers continue."""
    op.execute("DROP TABLE journey_to_judge")
    op.execute("DROP TABLE republished")
    op.execute("DROP INDEX ix_referral_halted")
    op.execute("ALTER TABLE referral DROP COLUMN overruled, DROP COLUMN halted_since, DROP COLUMN halted_for")
