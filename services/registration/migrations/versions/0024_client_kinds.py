"""Who a person is to the country: returnee, host community, internal migrant or non-national."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

COLUMN = """
ALTER TABLE returnee ADD COLUMN client_kind VARCHAR NOT NULL DEFAULT 'returnee';
ALTER TABLE returnee ADD CONSTRAINT returnee_client_kind
    CHECK (client_kind IN ('returnee', 'host_community', 'internal_migrant', 'non_national'));
"""


def upgrade() -> None:
    """Add the column. Everybody who came before is a returnee."""
    run_script(op, COLUMN)


def downgrade() -> None:
    """Remove the column."""
    op.execute("ALTER TABLE returnee DROP COLUMN client_kind")
