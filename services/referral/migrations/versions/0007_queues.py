"""Who holds what of a pool, in the order of offers."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index that lists the live holds of a pool page by page, and one for the released ones."""
    op.execute("DROP INDEX ix_place_hold_live")
    op.execute("CREATE INDEX ix_place_hold_live ON place_hold (pool_id, offer_id) WHERE status <> 'released'")


def downgrade() -> None:
    """As it was."""
    op.execute("DROP INDEX ix_place_hold_live")
    op.execute("CREATE INDEX ix_place_hold_live ON place_hold (pool_id) WHERE status <> 'released'")
