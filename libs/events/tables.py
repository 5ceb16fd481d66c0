"""The tables of the event bus in every service's database.

They are not SQLModel classes, because no code reads them as objects; each module contains the SQL that it uses. Times
in these tables are real time, never the time of the installation's clock, because telemetry and retention use them.
"""

from typing import Protocol


class Operations(Protocol):
    """The part of `alembic.op` that is needed."""

    def execute(self, sqltext: str) -> None:
        """Run one statement."""


KEEP_DAYS = 28
"""How many days of real time a row of the inbox or of the archive is kept. This is longer than Kafka keeps a topic."""

EVENT_TABLES: frozenset[str] = frozenset(
    {
        "outbox", "outbox_sent", "outbox_sent_rest", "outbox_leader", "inbox", "inbox_rest", "consumer_position",
        "parked", "parked_key", "operator_action",
    }
)  # fmt: skip
"""The tables that `create_tables` creates. The partitions of single days are not listed, see `is_event_table`."""

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
    # The table is a queue: rows are inserted at its end and deleted at its beginning. So vacuum must remove dead rows
    # soon, after a fixed number of them. CACHE 1: a session that reserved several ids could use a lower id after
    # another session has used a higher one.
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
    # The operator who made the change. It is empty in older rows.
    "ALTER TABLE operator_action ADD COLUMN IF NOT EXISTS operator text NOT NULL DEFAULT ''",
    # While an operator holds the relay, no relay is the leader, so that events that must be sent first can be added.
    """
    ALTER TABLE outbox_leader
        ADD COLUMN IF NOT EXISTS held_since timestamptz, ADD COLUMN IF NOT EXISTS held_by text""",
    # The reason why a partition is stopped, written by its member, so that operators need not read the member's log.
    "ALTER TABLE consumer_position ADD COLUMN IF NOT EXISTS stopped text",
    # A log that was lost grows again from offset 0. The same offset may then have another event, which must be parked
    # too.
    "ALTER TABLE parked ADD COLUMN IF NOT EXISTS identity text NOT NULL DEFAULT ''",
    "ALTER TABLE parked DROP CONSTRAINT IF EXISTS parked_consumer_group_topic_partition_log_offset_key",
    """
    CREATE UNIQUE INDEX IF NOT EXISTS parked_once
        ON parked (consumer_group, topic, partition, log_offset, identity)""",
    # A digest of the content of an event from a foreign producer: the same id with other content is another event.
    "ALTER TABLE inbox ADD COLUMN IF NOT EXISTS content bytea",
    # The service's login owns no table, so functions of the owner create and drop the partitions of days. They create
    # and drop nothing else. They never drop days that are still kept, whoever calls them, because Kafka may send the
    # events of these days again.
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
"""The changes since the first version. Each statement can be run again."""


def is_event_table(name: str) -> bool:
    """Whether a table belongs to the bus. Used to compare a database with the metadata of a service."""
    return name in EVENT_TABLES or name.rpartition("_")[0] in ("outbox_sent", "inbox")


def create_tables(op: Operations) -> None:
    """Create the tables of the event bus in their present form. For the first migration of a service."""
    for statement in _STATEMENTS:
        op.execute(statement)
    upgrade_tables(op)


def upgrade_tables(op: Operations) -> None:
    """Change tables of an older version to the present form. It can be repeated. For a later migration."""
    for statement in _SINCE:
        op.execute(statement)


def drop_tables(op: Operations) -> None:
    """Remove the tables. For the downgrade of the first migration."""
    for table in ("operator_action", "parked_key", "parked", "consumer_position", "inbox", "outbox_leader"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP TABLE outbox_sent")
    op.execute("DROP TABLE outbox")
    op.execute("DROP FUNCTION make_event_day, drop_event_day")
