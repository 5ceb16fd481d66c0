"""Old rows of the event tables are removed by day: a whole partition is dropped, instead of deleting row by row.

This runs on the relay that is the leader. Partitions are created for today and some days ahead. If a day has no
partition, for example before the first relay was the leader, its rows go to the default partition; its few old rows are
deleted. Rows are kept longer than Kafka keeps a topic, so that the inbox knows every event that can be delivered again.
They are removed within 30 days (DESIGN 6).
"""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg

from libs.events.observing.reporting import report
from libs.events.postgres import Connection
from libs.events.tables import KEEP_DAYS

log = logging.getLogger(__name__)

REMEMBERED_DAYS = KEEP_DAYS - 1
"""Older events may be missing in the inboxes of consumers, which would then handle them a second time."""
AHEAD_DAYS = 3
EVERY_SECONDS = 3600.0
REST_ROWS_MAX = 50_000
"""The maximum number of rows of a default partition that are deleted at a time."""


@dataclass(frozen=True, slots=True)
class Aged:
    """A table with partitions by day, and the column with the age of the rows in its default partition."""

    name: str
    column: str


TABLES = (Aged("outbox_sent", "published_at"), Aged("inbox", "received_at"))

PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass"


async def tidy(connection: Connection, *, today: date | None = None) -> None:
    """Create the partitions of the next days and drop the old ones. Days are in real time and UTC.

    If this fails because something else holds a lock, it is done the next time.
    """
    today = today or datetime.now(UTC).date()
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '2s'")
        for table in TABLES:
            await _tidy_table(connection, table, today)
        await _age_out_parked(connection, today)
        await _age_out_reasons(connection, today)


async def _tidy_table(connection: Connection, table: Aged, today: date) -> None:
    there = {row["name"] for row in await connection.fetch(PARTITIONS, table.name)}
    # The partition of today is created only while the default partition is empty. Otherwise PostgreSQL would search it
    # for rows of today, and writers would have to wait.
    late = await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table.name}_rest)")  # noqa: S608 - of this module
    for ahead in range(1 if late else 0, AHEAD_DAYS + 1):
        day = today + timedelta(days=ahead)
        if partition_of(table.name, day) not in there:
            await _make(connection, table, day)
    oldest = partition_of(table.name, today - timedelta(days=KEEP_DAYS))
    for name in sorted(there - {f"{table.name}_rest"}):
        if name < oldest:
            await connection.execute("SELECT drop_event_day($1, to_date(right($2, 8), 'YYYYMMDD'))", table.name, name)
            report(log, logging.INFO, "retention.dropped", part=name)
    await connection.execute(
        f"DELETE FROM {table.name}_rest WHERE ctid = ANY(ARRAY("  # noqa: S608 - names of this module
        f"SELECT ctid FROM {table.name}_rest WHERE {table.column} < $1 LIMIT {REST_ROWS_MAX}))",
        _midnight(today - timedelta(days=KEEP_DAYS)),
    )


async def _make(connection: Connection, table: Aged, day: date) -> None:
    """Create one partition, unless the default partition already has rows of that day, for example because the clock of
    a sender is fast."""
    try:
        async with connection.transaction():
            await connection.execute("SELECT make_event_day($1, $2)", table.name, day)
    except asyncpg.CheckViolationError:
        report(log, logging.INFO, "retention.day_has_rows", part=table.name)


async def _age_out_parked(connection: Connection, today: date) -> None:
    """Delete parked events that no operator has handled in this time. This is logged as an error."""
    before = _midnight(today - timedelta(days=KEEP_DAYS))
    status = await connection.execute("DELETE FROM parked WHERE parked_at < $1", before)
    count = int(status.split()[-1])
    if count:
        report(log, logging.ERROR, "retention.parked_events_aged_out", count=count)
        # The keys are locked first, so that the deletion sees events that a batch with this lock has parked meanwhile.
        await connection.execute("SELECT FROM parked_key WHERE since < $1 FOR UPDATE", before)
        await connection.execute(
            "DELETE FROM parked_key k WHERE since < $1 AND NOT EXISTS (SELECT FROM parked p"
            " WHERE (p.consumer_group, p.topic, p.key) = (k.consumer_group, k.topic, k.key))",
            before,
        )


async def _age_out_reasons(connection: Connection, today: date) -> None:
    """Delete the reasons that operators gave for changes. Operator, time, action and affected objects are kept.

    The erasure of a person does not reach these texts, and an operator may have written a person's name there.
    """
    before = _midnight(today - timedelta(days=KEEP_DAYS))
    await connection.execute("UPDATE operator_action SET reason = '' WHERE at < $1 AND reason <> ''", before)


def partition_of(table: str, day: date) -> str:
    """The name of the partition of one day."""
    return f"{table}_{day:%Y%m%d}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
