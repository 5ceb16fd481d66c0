"""What an operator can do with parked events: inspect, request a retry, discard. Each change needs a reason, which is
stored.

A retry is only requested here. The consumer that has the handlers performs it, in order per key
(`libs.events.consuming.retries`).
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.events.audit import Hand, RefusedError, note
from libs.events.handling.keyed import KEYED, Digest, keyed_name
from libs.events.handling.parking import Content
from libs.events.postgres import Connection

_KEYS = """
    SELECT k.consumer_group, k.topic, k.key, k.since, k.retry_wanted_at, count(p.id) AS count,
        min(p.id) AS first_id, (array_agg(p.reason ORDER BY p.id))[1] AS reason,
        (array_agg(p.error ORDER BY p.id))[1] AS error
    FROM parked_key k LEFT JOIN parked p USING (consumer_group, topic, key)
    GROUP BY k.consumer_group, k.topic, k.key, k.since, k.retry_wanted_at
    ORDER BY k.since, k.topic, k.key
"""
_ANY_KEYED = "SELECT EXISTS (SELECT FROM parked WHERE event_id LIKE $1)"
_LOCK = "SELECT FROM parked_key WHERE consumer_group = $1 AND topic = $2 AND key = $3 FOR UPDATE"
_ASK = """
    UPDATE parked_key SET retry_wanted_at = now() WHERE consumer_group = $1 AND topic = $2 AND key = $3
"""


class NothingParkedError(RefusedError, LookupError):
    """There is no such parked key or event."""


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key whose events wait, and the reason for parking the first of them."""

    group: str
    topic: str
    key: bytes
    """A digest if the topic may contain identity data."""
    since: datetime
    retry_wanted_at: datetime | None
    count: int
    first_id: int | None
    reason: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One parked event. `content` is None if it is sealed; only its consumer can open it."""

    id: int
    group: str
    topic: str
    partition: int
    offset: int
    key: bytes
    event_type: str | None
    event_id: str | None
    """A digest if the topic may contain identity data."""
    source: str | None
    reason: str
    error: str | None
    parked_at: datetime
    attempts: int
    content: Content | None


async def parked_keys(connection: Connection) -> list[ParkedKey]:
    """Every parked key of this database; the one that has been parked longest comes first."""
    return [ParkedKey(*row) for row in await connection.fetch(_KEYS)]


async def parked_event(connection: Connection, parked_id: int) -> ParkedEvent:
    """One parked event, or `NothingParkedError`."""
    row = await connection.fetchrow("SELECT * FROM parked WHERE id = $1", parked_id)
    if row is None:
        raise NothingParkedError(f"no parked event {parked_id}")
    return _event(row)


async def events_by_id(connection: Connection, event_id: str, *, digest: Digest | None) -> list[ParkedEvent]:
    """The parked events with this CloudEvents id of their sender, in their order.

    `RefusedError` if ids are stored as digests and `digest` is missing: then an empty result would have no meaning.
    """
    names = [event_id] if digest is None else [event_id, keyed_name(event_id, digest)]
    if digest is None and await connection.fetchval(_ANY_KEYED, f"{KEYED}%"):
        raise RefusedError("ids of parked events are stored as digests here: name the function with --digest")
    rows = await connection.fetch("SELECT * FROM parked WHERE event_id = ANY($1::text[]) ORDER BY id", names)
    return [_event(row) for row in rows]


async def ask_for_retry(connection: Connection, *, group: str, topic: str, key: bytes, by: Hand) -> None:
    """Let the consumer handle this key's events again, in order, until one fails or none is left."""
    async with connection.transaction():
        await _lock(connection, group, topic, key)
        await connection.execute(_ASK, group, topic, key)
        await note(connection, "parked.retry", by, {"group": group, "topic": topic, "key": key.hex()})


async def ask_for_retries(connection: Connection, *, by: Hand, topic: str | None = None) -> int:
    """The same for every parked key, or for every parked key of one topic. Returns their number."""
    keys = [key for key in await parked_keys(connection) if topic in (None, key.topic)]
    for key in keys:
        # A key whose last event a retry has just handled needs no further retry.
        with contextlib.suppress(NothingParkedError):
            await ask_for_retry(connection, group=key.group, topic=key.topic, key=key.key, by=by)
    return len(keys)


async def discard(connection: Connection, parked_id: int, *, by: Hand) -> None:
    """Discard one parked event permanently. The later events of its key stay parked until a retry."""
    async with connection.transaction():
        event = await parked_event(connection, parked_id)
        await _lock(connection, event.group, event.topic, event.key)
        if await connection.execute("DELETE FROM parked WHERE id = $1", parked_id) == "DELETE 0":
            # A retry was handling it at the same time.
            raise NothingParkedError(f"no parked event {parked_id}")
        await connection.execute(
            "DELETE FROM parked_key k WHERE consumer_group = $1 AND topic = $2 AND key = $3 AND NOT EXISTS (SELECT"
            " FROM parked p WHERE (p.consumer_group, p.topic, p.key) = (k.consumer_group, k.topic, k.key))",
            event.group, event.topic, event.key,
        )  # fmt: skip
        subject = {
            "group": event.group, "topic": event.topic, "partition": event.partition, "offset": event.offset,
            "event_type": event.event_type, "event_id": event.event_id, "source": event.source,
        }  # fmt: skip
        await note(connection, "parked.discard", by, subject)


async def _lock(connection: Connection, group: str, topic: str, key: bytes) -> None:
    """Lock the key. Waits for a batch or a retry that has locked it."""
    if await connection.fetchrow(_LOCK, group, topic, key) is None:
        raise NothingParkedError("no such key is parked")


def _event(row: Any) -> ParkedEvent:
    return ParkedEvent(
        row["id"], row["consumer_group"], row["topic"], row["partition"], row["log_offset"], row["key"],
        row["event_type"], row["event_id"], row["source"], row["reason"], row["error"], row["parked_at"],
        row["attempts"], None if row["sealed"] else Content.from_bytes(row["content"]),
    )  # fmt: skip
