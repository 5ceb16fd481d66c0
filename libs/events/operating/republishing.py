"""Publish events again that Kafka has already had, for a topic that lost records before all consumers handled them.

Archived events are put back into the outbox under their old ids while the relay is held. The outbox is ordered by these
ids, so they are sent in their original order and before all unsent events. Their CloudEvents ids and times are also
unchanged, so the inbox of a consumer discards the events that it has already handled. So a consumer
handles every event once, in order per key, if it begins at the end that the log had while the relay was held.

The work is done in limited steps, each in a separate transaction with its record. After an interruption the relay stays
held. If the same command is given again, it continues, and puts back only events that are not in the outbox.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from libs.events.audit import Hand, RefusedError, note
from libs.events.operating.holding import held, hold, let_go, release
from libs.events.postgres import Connection
from libs.events.retention import PARTITIONS, REMEMBERED_DAYS
from libs.events.topics import TOPICS, Topic

STEP_PAGES = 2_000
"""The part of the archive that one step reads, in pages of 8 KiB."""
_MARK = "republish: "
_LOCK = (0x656E6C61, 2)

_CHOSEN = """
    published_at >= $1 AND ($2::timestamptz IS NULL OR published_at < $2)
        AND ($3::text IS NULL OR topic = $3) AND ($4::text IS NULL OR key = $4)
"""
_COUNT = f"""
    SELECT topic, count(DISTINCT id) FILTER (WHERE created_at >= $5) AS events,
        count(DISTINCT key) FILTER (WHERE created_at >= $5) AS keys,
        count(DISTINCT id) FILTER (WHERE created_at < $5) AS too_old,
        min(created_at) AS oldest, max(created_at) AS newest
    FROM outbox_sent WHERE {_CHOSEN} GROUP BY topic ORDER BY topic
"""  # noqa: S608 - a constant of this module
_STEP = """
    WITH put AS (
        INSERT INTO outbox (id, event_id, topic, key, type, payload, traceparent, tracestate, created_at)
        OVERRIDING SYSTEM VALUE
        SELECT id, event_id, topic, key, type, payload, traceparent, tracestate, created_at FROM {partition}
        WHERE ctid >= '({first},0)' AND ctid < '({end},0)' AND {chosen} AND created_at >= $5
        ON CONFLICT (id) DO NOTHING
        RETURNING id
    )
    SELECT count(*) AS events, min(id) AS first_id, max(id) AS last_id FROM put
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects archived events: acknowledged by Kafka from `since` on and before `until`, optionally of one topic or
    key."""

    since: datetime
    until: datetime | None = None
    topic: str | None = None
    key: str | None = None

    def arguments(self) -> tuple[Any, ...]:
        """The arguments of the statements. The last one is a time: consumers may have forgotten older events."""
        remembered = datetime.now(UTC) - timedelta(days=REMEMBERED_DAYS)
        return (self.since, self.until, self.topic, self.key, remembered)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The selected events of one topic."""

    topic: str
    events: int
    keys: int
    too_old: int
    """The number of events that are left out, because consumers may have forgotten that they handled them."""
    oldest: datetime
    newest: datetime


async def count(connection: Connection, selection: Selection) -> list[Chosen]:
    """The events that `republish` would put back, by topic."""
    return [Chosen(*row) for row in await connection.fetch(_COUNT, *selection.arguments())]


async def republish(
    connection: Connection,
    selection: Selection,
    by: Hand,
    *,
    topics: Mapping[str, Topic] = TOPICS,
    step_pages: int = STEP_PAGES,
) -> int:
    """Put the selected events back into the outbox, while the relay is held. Returns how many were not there already.

    If an operator holds the relay, it stays held; otherwise it is released at the end. `RefusedError` if another
    process publishes again at the same time, or if an old state would become the last one of its key on a compacted
    topic.
    """
    if selection.until is not None:
        for chosen in await count(connection, selection):
            if chosen.topic in topics and topics[chosen.topic].compacted:
                raise RefusedError(f"{chosen.topic} is compacted: publish again without --until")
    arguments = selection.arguments()
    total = 0
    async with _alone(connection), _held(connection, by):
        for row in await connection.fetch(PARTITIONS, "outbox_sent"):
            pages = await connection.fetchval("SELECT pg_relation_size($1::regclass) / 8192", row["name"])
            for first in range(0, pages, step_pages):
                statement = _STEP.format(partition=row["name"], first=first, end=first + step_pages, chosen=_CHOSEN)
                total += await _step(connection, statement, arguments, selection, by)
    return total


async def _step(
    connection: Connection, statement: str, arguments: tuple[Any, ...], selection: Selection, by: Hand
) -> int:
    async with connection.transaction():
        put = await connection.fetchrow(statement, *arguments)
        assert put is not None
        if put["events"]:
            wanted = {"since": selection.since, "until": selection.until, "topic": selection.topic}
            await note(connection, "republish", by, wanted | dict(put))
    events: int = put["events"]
    return events


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK):
        raise RefusedError("another process is publishing again here")
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1, $2)", *_LOCK)


@asynccontextmanager
async def _held(connection: Connection, by: Hand) -> AsyncIterator[None]:
    """Hold the relay. After an interruption it stays held, so that the remaining events can still be sent in order."""
    found = await held(connection)
    if found is None:
        await hold(connection, by, mark=_MARK)
    else:
        await let_go(connection)
    yield
    if found is None or found.by.startswith(_MARK):
        await release(connection, by)
