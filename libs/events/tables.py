"""The tables of the event bus in every service's database.

Not SQLModel classes: nothing reads them row by row, and their SQL is written out where it is used. Times here are
real time, never the installation's clock: they serve telemetry and retention.
"""

from typing import Protocol


class Operations(Protocol):
    """The part of `alembic.op` that is needed."""

    def execute(self, sqltext: str) -> None:
        """Run one statement."""


KEEP_DAYS = 28
"""So many days of real time a row of the inbox or of the archive is kept: longer than Kafka keeps a topic."""

EVENT_TABLES: frozenset[str] = frozenset(
    {
        "outbox", "outbox_sent", "outbox_sent_rest", "outbox_leader", "inbox", "inbox_rest", "consumer_position",
        "parked", "parked_key", "operator_action",
    }
)  # fmt: skip
"""What `create_tables` makes; partitions of single days come and go besides, see `is_event_table`."""

_EVENT_COLUMNS = """
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    payload bytea NOT NULL,
    traceparent text,
    tracestate text,
    created_at timestamptz NOT NULL"""

_STATEMENTS: tuple[str, ...] = (
    # A queue: rows come at the right and leave at the left, so dead rows must go soon and at a fixed count.
    # CACHE 1: a session that held ids in stock would hand out lower ones after another's higher ones.
    f"""
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,{_EVENT_COLUMNS} DEFAULT now(),
        failed_at timestamptz,
        failure text
    ) WITH (
        fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
    )""",
    "COMMENT ON TABLE outbox IS 'Events committed with their effects and not yet acknowledged by Kafka'",
    f"""
    CREATE TABLE outbox_sent (
        id bigint NOT NULL,{_EVENT_COLUMNS},
        published_at timestamptz NOT NULL DEFAULT now(),
        partition integer NOT NULL,
        log_offset bigint
    ) PARTITION BY RANGE (published_at)""",
    "CREATE TABLE outbox_sent_rest PARTITION OF outbox_sent DEFAULT",
    "COMMENT ON TABLE outbox_sent IS 'Archive of what Kafka has acknowledged; a lost topic can be published again'",
    """
    CREATE TABLE outbox_leader (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        epoch bigint NOT NULL DEFAULT 0,
        owner text,
        since timestamptz
    )""",
    "INSERT INTO outbox_leader DEFAULT VALUES",
    # `day` is the day of the event's own time: a repeated event falls into the same partition as its first copy.
    """
    CREATE TABLE inbox (
        consumer_group text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        day date NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer_group, source, event_id, day)
    ) PARTITION BY RANGE (day)""",
    "CREATE TABLE inbox_rest PARTITION OF inbox DEFAULT",
    "COMMENT ON TABLE inbox IS 'Events that a group has taken over: handled, or parked'",
    """
    CREATE TABLE consumer_position (
        consumer_group text NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        next_offset bigint NOT NULL,
        last_event_id text,
        moved_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer_group, topic, partition)
    ) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)""",
    "COMMENT ON TABLE consumer_position IS 'The truth about positions, and the fence against a second processor'",
    """
    CREATE TABLE parked (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer_group text NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        log_offset bigint NOT NULL,
        key bytea NOT NULL,
        event_type text,
        event_id text,
        source text,
        reason text NOT NULL,
        error text,
        sealed boolean NOT NULL,
        content bytea NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        attempts integer NOT NULL DEFAULT 0,
        UNIQUE (consumer_group, topic, partition, log_offset)
    )""",
    "CREATE INDEX parked_by_key ON parked (consumer_group, topic, key, id)",
    """
    CREATE TABLE parked_key (
        consumer_group text NOT NULL,
        topic text NOT NULL,
        key bytea NOT NULL,
        since timestamptz NOT NULL DEFAULT now(),
        retry_wanted_at timestamptz,
        PRIMARY KEY (consumer_group, topic, key)
    )""",
    "COMMENT ON TABLE parked_key IS 'Keys whose events wait in parked, so that none of them overtakes another'",
    """
    CREATE TABLE operator_action (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        action text NOT NULL,
        reason text NOT NULL,
        subject jsonb NOT NULL
    )""",
    "COMMENT ON TABLE operator_action IS 'Every change of the event tables by hand, with its reason'",
)


_SINCE: tuple[str, ...] = (
    # Whose hand it was. Rows from before name nobody.
    "ALTER TABLE operator_action ADD COLUMN IF NOT EXISTS operator text NOT NULL DEFAULT ''",
    # While a person holds the relay none leads, so that what must go out first can be put first.
    """
    ALTER TABLE outbox_leader
        ADD COLUMN IF NOT EXISTS held_since timestamptz, ADD COLUMN IF NOT EXISTS held_by text""",
    # Why a partition is stopped, by the member that has it: operators see it without its log.
    "ALTER TABLE consumer_position ADD COLUMN IF NOT EXISTS stopped text",
    # A log that was lost grows again from offset 0: the same offset may hold another event, which must be parked too.
    "ALTER TABLE parked ADD COLUMN IF NOT EXISTS identity text NOT NULL DEFAULT ''",
    "ALTER TABLE parked DROP CONSTRAINT IF EXISTS parked_consumer_group_topic_partition_log_offset_key",
    """
    CREATE UNIQUE INDEX IF NOT EXISTS parked_once
        ON parked (consumer_group, topic, partition, log_offset, identity)""",
    # What an event of a foreign producer said, as a digest: the same id with something else is another event.
    "ALTER TABLE inbox ADD COLUMN IF NOT EXISTS content bytea",
    # The service's login owns no table, so the partitions of days come and go by functions of the owner, which make and
    # drop nothing else; what Kafka may still send again, or nobody has published yet, isn't dropped whoever asks.
    """
    CREATE OR REPLACE FUNCTION make_event_day(parent text, day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF parent NOT IN ('inbox', 'outbox_sent') THEN RAISE EXCEPTION 'no event table has days by this name'; END IF;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
            parent || to_char(day, '_YYYYMMDD'), parent, day, day + 1);
        -- What is published again is read day by day, under the login that made the day.
        EXECUTE format('GRANT SELECT ON public.%I TO %I', parent || to_char(day, '_YYYYMMDD'), session_user);
    END $$""",
    f"""
    CREATE OR REPLACE FUNCTION drop_event_day(parent text, day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF parent NOT IN ('inbox', 'outbox_sent') THEN RAISE EXCEPTION 'no event table has days by this name'; END IF;
        IF day >= (now() AT TIME ZONE 'UTC')::date - {KEEP_DAYS} THEN RAISE EXCEPTION 'this day is kept'; END IF;
        EXECUTE format('DROP TABLE public.%I', parent || to_char(day, '_YYYYMMDD'));
    END $$""",
    "REVOKE ALL ON FUNCTION make_event_day, drop_event_day FROM PUBLIC",
)
"""What has changed since the first version; each can be run again."""


def is_event_table(name: str) -> bool:
    """Whether a table is the bus's own; for comparisons of a database with a service's metadata."""
    return name in EVENT_TABLES or name.rpartition("_")[0] in ("outbox_sent", "inbox")


def create_tables(op: Operations) -> None:
    """Make the tables of the event bus as they are now; for a service's first migration."""
    for statement in _STATEMENTS:
        op.execute(statement)
    upgrade_tables(op)


def upgrade_tables(op: Operations) -> None:
    """Bring tables that an older version made to this version, as often as you like; for a later migration."""
    for statement in _SINCE:
        op.execute(statement)


def drop_tables(op: Operations) -> None:
    """Remove them again; for the downgrade of that migration."""
    for table in ("operator_action", "parked_key", "parked", "consumer_position", "inbox", "outbox_leader"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP TABLE outbox_sent")
    op.execute("DROP TABLE outbox")
    op.execute("DROP FUNCTION make_event_day, drop_event_day")
