"""The copy of the directory's certificates, which open restricted rows to staff."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import no_wall, wall

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE certificate (
    certificate_id UUID NOT NULL,
    version BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    holder_digest VARCHAR NOT NULL,
    organization_id UUID,
    valid_from DATE NOT NULL,
    valid_until DATE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_certificate PRIMARY KEY (certificate_id)
);
CREATE INDEX ix_certificate_kind ON certificate (kind);
"""
NO_CALLER = "false"


def upgrade() -> None:
    """Create the table with row-level security."""
    run_script(op, TABLE)
    run_script(op, wall("certificate", NO_CALLER))


def downgrade() -> None:
    """Remove it. The directory still has the certificates."""
    run_script(op, no_wall("certificate"))
    op.execute("DROP TABLE certificate")
