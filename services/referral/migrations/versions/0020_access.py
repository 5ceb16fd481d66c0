"""The record of who read or changed which data about a person, and its seals."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE access_entry (
    id bigint GENERATED ALWAYS AS IDENTITY,
    transaction_id bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    at timestamptz NOT NULL,
    kind varchar NOT NULL,
    action varchar NOT NULL,
    who varchar NOT NULL,
    client_id varchar NOT NULL,
    organization_id uuid,
    purpose varchar NOT NULL,
    fields text[] NOT NULL,
    restricted boolean NOT NULL,
    returnee_ids uuid[] NOT NULL,
    record_ids uuid[] NOT NULL,
    trace_id varchar,
    CONSTRAINT pk_access_entry PRIMARY KEY (id),
    CONSTRAINT ck_access_entry_kind CHECK (kind IN ('read', 'write')),
    CONSTRAINT ck_access_entry_purpose
        CHECK (purpose IN ('referral', 'follow_up', 'supervision', 'request_of_person')),
    CONSTRAINT ck_access_entry_pairs CHECK (cardinality(returnee_ids) = cardinality(record_ids))
);
CREATE INDEX ix_access_entry_returnee_ids ON access_entry USING gin (returnee_ids);
CREATE INDEX ix_access_entry_in_order ON access_entry (transaction_id, id);
CREATE TABLE access_seal (
    id bigint NOT NULL,
    from_transaction bigint NOT NULL,
    up_to_transaction bigint NOT NULL,
    entries_count integer NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    CONSTRAINT pk_access_seal PRIMARY KEY (id),
    CONSTRAINT uq_access_seal_up_to_transaction UNIQUE (up_to_transaction)
)
"""
_FUNCTION = """
CREATE FUNCTION refuse_change_of_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    """Add two append-only tables."""
    for statement in _TABLES.strip().split(";\n"):
        op.execute(statement)
    op.execute(_FUNCTION)
    for table in ("access_entry", "access_seal"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_access()"
        )


def downgrade() -> None:
    """Remove the record."""
    op.execute("DROP TABLE access_seal")
    op.execute("DROP TABLE access_entry")
    op.execute("DROP FUNCTION refuse_change_of_access")
