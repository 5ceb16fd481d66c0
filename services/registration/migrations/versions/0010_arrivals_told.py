"""What has been told of each arrival, as keyed hashes: a repeat is recognised by its reference and by its content."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Arrivals of before have none: their next repeat is compared with the identity and then remembered."""
    op.execute("""
        CREATE TABLE arrival_told (
            returnee_id UUID NOT NULL,
            facts BYTEA[] NOT NULL,
            PRIMARY KEY (returnee_id),
            FOREIGN KEY(returnee_id) REFERENCES returnee (id)
        )""")


def downgrade() -> None:
    """Nothing: an older version does not read this."""
