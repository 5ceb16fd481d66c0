"""Certificates of people. Only staff of the network see them, because they name members of staff."""

from alembic import op

from libs.chassis.migrations import run_script
from libs.chassis.walls import STAFF, no_wall, wall

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE certificate (
    id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    holder VARCHAR NOT NULL,
    organization_id UUID,
    issuing_body VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    valid_until DATE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revocation_reason VARCHAR,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT certificate_reason CHECK (
        revocation_reason IN ('left', 'issued_in_error', 'withdrawn_by_issuer', 'misuse')
    ),
    CONSTRAINT certificate_revoked CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL)),
    CONSTRAINT certificate_days CHECK (valid_from <= valid_until),
    CONSTRAINT certificate_version CHECK (version >= 1),
    FOREIGN KEY (organization_id) REFERENCES organization (id)
);
CREATE INDEX certificate_of_kind ON certificate (kind, id);
CREATE INDEX certificate_of_organization ON certificate (organization_id, id);
"""


def upgrade() -> None:
    """Create the table with row-level security."""
    run_script(op, TABLE)
    run_script(op, wall("certificate", STAFF))


def downgrade() -> None:
    """Remove it. The certificates are lost."""
    run_script(op, no_wall("certificate"))
    op.execute("DROP TABLE certificate")
