"""How a person was returned: the kind of return, the order, the mode, and told signs of an unlawful return."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE returnee ADD COLUMN return_kind VARCHAR;
ALTER TABLE returnee ADD COLUMN return_order VARCHAR;
ALTER TABLE returnee ADD COLUMN return_mode VARCHAR;
ALTER TABLE returnee ADD COLUMN return_signs TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE returnee ADD CONSTRAINT returnee_return_kind CHECK (return_kind IN ('forced', 'voluntary', 'assisted'));
ALTER TABLE returnee ADD CONSTRAINT returnee_return_order
    CHECK (return_order IN ('deportation', 'expulsion', 'removal', 'readmission', 'none'));
ALTER TABLE returnee ADD CONSTRAINT returnee_return_mode CHECK (return_mode IN ('air', 'land', 'sea', 'foot'));
"""


def upgrade() -> None:
    """Add the columns. Nothing is known about people who came before."""
    run_script(op, COLUMNS)


def downgrade() -> None:
    """Remove the columns."""
    for name in ("return_signs", "return_mode", "return_order", "return_kind"):
        op.execute(f"ALTER TABLE returnee DROP COLUMN {name}")
