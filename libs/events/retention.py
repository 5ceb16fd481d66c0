"""Old rows of the event tables go by the day: a partition is dropped, nothing is deleted row by row.

Runs on the leading relay. Partitions are made for today and some days ahead; what comes while none is there, such as
before the first relay has led, goes to the default partition, whose few old rows are deleted. Kept longer than Kafka
keeps a topic, so that the inbox knows every event that can come again; gone within 30 days (DESIGN 6).
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
"""Older events may be gone from consumers' inboxes: those that had them would handle them again."""
AHEAD_DAYS = 3
EVERY_SECONDS = 3600.0
REST_ROWS_MAX = 50_000
"""So many rows of a default partition go at a time."""


@dataclass(frozen=True, slots=True)
class Aged:
    """A table in partitions by day, and the column by which its default partition ages."""

    name: str
    column: str


TABLES = (Aged("outbox_sent", "published_at"), Aged("inbox", "received_at"))

PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass"


async def tidy(connection: Connection, *, today: date | None = None) -> None:
    """Make the partitions of the next days, drop those that are old enough. Real time, in UTC.

    What can't be done now, because something else holds a lock, is done next time.
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
    # Today's only where nothing has come before it: to look for its rows among many would hold up who writes them.
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
    """One partition; not where the default partition already has rows of that day, such as by a sender's fast clock."""
    try:
        async with connection.transaction():
            await connection.execute("SELECT make_event_day($1, $2)", table.name, day)
    except asyncpg.CheckViolationError:
        report(log, logging.INFO, "retention.day_has_rows", part=table.name)


async def _age_out_parked(connection: Connection, today: date) -> None:
    """A parked event that nobody has looked at for so long goes too; that is told as the error it is."""
    before = _midnight(today - timedelta(days=KEEP_DAYS))
    status = await connection.execute("DELETE FROM parked WHERE parked_at < $1", before)
    count = int(status.split()[-1])
    if count:
        report(log, logging.ERROR, "retention.parked_events_aged_out", count=count)
        # Locked first, so that the deletion sees what a batch that held the key has parked behind it.
        await connection.execute("SELECT FROM parked_key WHERE since < $1 FOR UPDATE", before)
        await connection.execute(
            "DELETE FROM parked_key k WHERE since < $1 AND NOT EXISTS (SELECT FROM parked p"
            " WHERE (p.consumer_group, p.topic, p.key) = (k.consumer_group, k.topic, k.key))",
            before,
        )


async def _age_out_reasons(connection: Connection, today: date) -> None:
    """The words that a person gave for a change by hand go; who, when, what and what it touched stay.

    No erasure reaches these words, and whoever wrote them may have named somebody.
    """
    before = _midnight(today - timedelta(days=KEEP_DAYS))
    await connection.execute("UPDATE operator_action SET reason = '' WHERE at < $1 AND reason <> ''", before)


def partition_of(table: str, day: date) -> str:
    """The name of the partition of one day."""
    return f"{table}_{day:%Y%m%d}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
