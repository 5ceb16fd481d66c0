"""Referral is told of the people who must be kept apart, also of those whom people excluded before this version."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

# As `people.kept-apart.v1`, in its first version. A second copy has no effect.
TELL = """
INSERT INTO outbox (event_id, topic, key, type, payload)
SELECT gen_random_uuid(), 'enlace.kept-apart', id::text, 'people.kept-apart.v1',
    convert_to(json_build_object(
        'exclusion_id', id,
        'first_returnee_id', least(returnee_id, other_returnee_id),
        'second_returnee_id', greatest(returnee_id, other_returnee_id)
    )::text, 'UTF8')
FROM excluded_person WHERE other_returnee_id IS NOT NULL ORDER BY id
"""


def upgrade() -> None:
    """Append one event for each exclusion of a registered person."""
    op.execute(TELL)


def downgrade() -> None:
    """Remove what was not sent: an older version does not know the topic. Referral keeps what it was told."""
    op.execute("DELETE FROM outbox WHERE topic = 'enlace.kept-apart'")
