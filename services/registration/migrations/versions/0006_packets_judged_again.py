"""Close a packet while facts are newer than those on which its offer was evaluated, or the provider is not allowed.

The table of organisations shows which providers are allowed. Offers that are already accepted count as evaluated on the
facts that are known now. From the next change on, referral evaluates them again.
"""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCRIPT = """
ALTER TABLE returnee ADD COLUMN told_version INTEGER NOT NULL DEFAULT 1;
UPDATE returnee SET told_version = version WHERE version > 1;

ALTER TABLE packet_access ADD COLUMN judged_profiles JSONB NOT NULL DEFAULT '{}';
ALTER TABLE packet_access ADD COLUMN judged_household_version INTEGER;
ALTER TABLE packet_access ADD COLUMN halted_at TIMESTAMP WITH TIME ZONE;
UPDATE packet_access p SET judged_household_version = h.version, judged_profiles = (
    SELECT jsonb_object_agg(m.id, m.told_version) FROM returnee m WHERE m.id = r.id OR m.household_id = r.household_id
)
FROM returnee r LEFT JOIN household h ON h.id = r.household_id WHERE r.id = p.returnee_id AND p.closes_at IS NULL;

CREATE TABLE provider_standing (
    organization_id UUID NOT NULL,
    version BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    valid_until JSONB NOT NULL,
    PRIMARY KEY (organization_id)
);
"""


def upgrade() -> None:
    """Add the facts on which offers were evaluated, and the read model of organisations."""
    run_script(op, SCRIPT)


def downgrade() -> None:
    """Nothing to do: an older version does not read this."""
