"""Mark the notifications and deliveries that are about offers of restricted services."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Mark the stored rows by their content, and later notifications of a restricted offer by its offer id."""
    op.execute("ALTER TABLE notification ADD COLUMN offer_id uuid")
    op.execute("ALTER TABLE notification ADD COLUMN restricted boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE delivery ADD COLUMN restricted boolean NOT NULL DEFAULT false")
    op.execute("UPDATE notification SET offer_id = (body::jsonb #>> '{data,offer_id}')::uuid")
    op.execute(
        """
        UPDATE notification SET restricted = true WHERE offer_id IN (
            SELECT offer_id FROM notification WHERE (body::jsonb #>> '{data,restricted}')::boolean
        )
        """
    )
    op.execute(
        """
        UPDATE delivery SET restricted = true FROM notification
        WHERE notification.message_id = delivery.message_id AND notification.restricted
        """
    )
    op.execute("CREATE INDEX notification_of_restricted_offer ON notification (offer_id) WHERE restricted")


def downgrade() -> None:
    """Remove the marks."""
    op.execute("DROP INDEX notification_of_restricted_offer")
    op.execute("ALTER TABLE delivery DROP COLUMN restricted")
    op.execute("ALTER TABLE notification DROP COLUMN restricted")
    op.execute("ALTER TABLE notification DROP COLUMN offer_id")
