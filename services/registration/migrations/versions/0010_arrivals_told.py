"""The facts of each arrival as keyed hashes: a repeated arrival is recognised by its reference and by its content."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. Earlier arrivals have no facts: their next repetition is compared with the identity and then
    stored."""
    op.execute("""
        CREATE TABLE arrival_told (
            returnee_id UUID NOT NULL,
            facts BYTEA[] NOT NULL,
            PRIMARY KEY (returnee_id),
            FOREIGN KEY(returnee_id) REFERENCES returnee (id)
        )""")


def downgrade() -> None:
    """Nothing to do: an older version does not read this."""
