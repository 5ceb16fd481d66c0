"""Screenings in the store of restricted needs, and the copy of the directory's certificates."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import RESTRICTED, no_wall, wall

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE certificate (
    certificate_id UUID NOT NULL,
    version BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    holder_digest VARCHAR NOT NULL,
    organization_id UUID,
    valid_from DATE NOT NULL,
    valid_until DATE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (certificate_id)
);
CREATE INDEX certificate_of_kind ON certificate (kind);
CREATE TABLE restricted_screening (
    id BYTEA NOT NULL,
    owner UUID NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX restricted_screening_of_owner ON restricted_screening (owner);
"""
NO_CALLER = "false"
POLICIES = {"certificate": (NO_CALLER, None), "restricted_screening": (RESTRICTED, None)}


def upgrade() -> None:
    """Create the tables with row-level security."""
    run_script(op, TABLES)
    for table, (seen, written) in POLICIES.items():
        run_script(op, wall(table, seen, written))


def downgrade() -> None:
    """Remove them. The screenings are lost; the directory still has the certificates."""
    for table in POLICIES:
        run_script(op, no_wall(table))
        op.execute(f"DROP TABLE {table}")
