"""Row-level security: a transaction sees the rows of the organisation that it works for, the service's own sees all."""

from alembic import op

from libs.chassis.migrations import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A setting is read once a statement: in a subquery of its own it is no condition on each row.
SERVICE = "(SELECT current_setting('enlace.works_for', true)) = 'service'"
OURS = "organization_id = (SELECT nullif(current_setting('enlace.organization_id', true), '')::uuid)"
SHOWN = "(NOT restricted OR (SELECT current_setting('enlace.restricted', true)) = 'true')"
# A row that hangs on another exists for whom the other one exists.
POLICIES = {
    "endpoint": OURS,
    "endpoint_secret": "EXISTS (SELECT FROM endpoint WHERE endpoint.id = endpoint_id)",  # pragma: allowlist secret
    "delivery": f"{OURS} AND {SHOWN}",
    "attempt": "EXISTS (SELECT FROM delivery WHERE delivery.id = delivery_id)",
    "notification": f"{OURS} AND {SHOWN}",
    "inbox_counter": OURS,
}


def upgrade() -> None:
    """Without a policy that lets it through no row exists, for the owner of the table neither."""
    for table, rows in POLICIES.items():
        run_script(
            op,
            f"""
            CREATE POLICY of_the_service ON {table} USING ({SERVICE});
            CREATE POLICY of_the_caller ON {table} USING ({rows});
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            """,
        )


def downgrade() -> None:
    """Take the policies away."""
    for table in POLICIES:
        run_script(
            op,
            f"""
            ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
            DROP POLICY of_the_caller ON {table};
            DROP POLICY of_the_service ON {table};
            """,
        )
