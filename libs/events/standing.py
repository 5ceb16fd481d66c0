"""What waits, and what is stuck, in the bus of one database: for views that people look at often.

Each query costs the same however long the outbox is. Of errors only codes are read, and of topics that may contain
identity data no key. The commands of operators show more (`libs.events.cli`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from libs.events.postgres import Connection
from libs.events.relaying.leadership import LEADS
from libs.events.topics import TOPICS

COUNTED_MOST = 10_000
KEYS_SHOWN = 20
EVENTS_OF_KEY_MOST = 1_000
_PERSONAL = sorted(topic.name for topic in TOPICS.values() if topic.personal)

_OUTBOX = f"""
    SELECT count(*) AS found, count(failed_at) AS refused,
        greatest(coalesce(extract(epoch FROM now() - min(created_at)), 0), 0)::float8 AS age,
        {LEADS} AS leads, (SELECT held_since FROM outbox_leader) AS held_since
    FROM (SELECT created_at, failed_at FROM outbox ORDER BY id LIMIT {COUNTED_MOST + 1}) AS waiting
"""  # noqa: S608 (constants)
_STOPPED = """
    SELECT topic, partition, moved_at, stopped FROM consumer_position
    WHERE consumer_group = $1 AND stopped IS NOT NULL ORDER BY topic, partition
"""
_PARKED = """
    SELECT count(*) AS keys, count(*) FILTER (WHERE topic = ANY($2)) AS keys_of_senders,
        greatest(coalesce(extract(epoch FROM now() - min(since)), 0), 0)::float8 AS age
    FROM parked_key WHERE consumer_group = $1
"""
_OLDEST_KEYS = f"""
    SELECT k.topic, k.key, k.since, k.retry_wanted_at IS NOT NULL AS retry_requested,
        (SELECT reason FROM parked p WHERE (p.consumer_group, p.topic, p.key) = (k.consumer_group, k.topic, k.key)
         ORDER BY p.id LIMIT 1) AS reason,
        (SELECT count(*) FROM (SELECT FROM parked p
            WHERE (p.consumer_group, p.topic, p.key) = (k.consumer_group, k.topic, k.key)
            LIMIT {EVENTS_OF_KEY_MOST}) AS counted) AS events
    FROM (SELECT * FROM parked_key WHERE consumer_group = $1 AND topic <> ALL($2)
          ORDER BY since, topic, key LIMIT {KEYS_SHOWN}) AS k
    ORDER BY k.since, k.topic, k.key
"""  # noqa: S608 (constants)


class StoppedReason(StrEnum):
    """Why a partition is stopped."""

    TOO_MANY_FAILURES = "too-many-failures"
    BATCH_FAILS = "batch-fails"
    LOG_CUT = "log-cut"
    RECORDS_REMOVED = "records-removed"
    RECORD_MISSING = "record-missing"
    NOT_AUTHORIZED = "not-authorized"
    OTHER = "other"


_BEGINNINGS = {
    "the batch fails as a whole": StoppedReason.BATCH_FAILS,
    "the log was cut": StoppedReason.LOG_CUT,
    "records ": StoppedReason.RECORDS_REMOVED,
    "offset ": StoppedReason.RECORD_MISSING,
    "Kafka does not let this service read": StoppedReason.NOT_AUTHORIZED,
}
"""By the beginning of the sentence that the consumer writes into the row of the partition."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Events that Kafka has not acknowledged yet, and who publishes them."""

    events: int
    more: bool
    """There are more than `COUNTED_MOST`."""
    refused: int
    """The number of counted events that Kafka refuses."""
    oldest_age_seconds: float
    relay_leads: bool
    held_since: datetime | None


@dataclass(frozen=True, slots=True)
class StoppedPartition:
    """A partition that waits for an operator."""

    topic: str
    partition: int
    since: datetime
    """When its position moved last."""
    reason: StoppedReason


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A parked key of a topic without identity data."""

    topic: str
    key_id: UUID | None
    """None if the key is not an id: somebody else than our services has chosen it."""
    since: datetime
    reason: str
    events: int
    retry_requested: bool


@dataclass(frozen=True, slots=True)
class Parked:
    """The parked keys of one group."""

    keys: int
    keys_of_senders: int
    """Keys of topics that may contain identity data."""
    oldest_age_seconds: float
    items: list[ParkedKey]
    """The `KEYS_SHOWN` oldest of the other keys."""


async def outbox(connection: Connection) -> Outbox:
    """The outbox of this database."""
    row = await _row(connection, _OUTBOX)
    found = row["found"]
    return Outbox(
        events=min(found, COUNTED_MOST),
        more=found > COUNTED_MOST,
        refused=row["refused"],
        oldest_age_seconds=row["age"],
        relay_leads=row["leads"],
        held_since=row["held_since"],
    )


async def stopped_partitions(connection: Connection, group: str) -> list[StoppedPartition]:
    """The partitions of this group that wait for an operator. Each member writes them every few seconds."""
    return [
        StoppedPartition(row["topic"], row["partition"], row["moved_at"], reason_of(row["stopped"]))
        for row in await connection.fetch(_STOPPED, group)
    ]


async def parked(connection: Connection, group: str) -> Parked:
    """The parked keys of this group. Quotas and limits bound their number."""
    row = await _row(connection, _PARKED, group, _PERSONAL)
    return Parked(
        keys=row["keys"],
        keys_of_senders=row["keys_of_senders"],
        oldest_age_seconds=row["age"],
        items=[_key(one) for one in await connection.fetch(_OLDEST_KEYS, group, _PERSONAL)],
    )


def reason_of(stopped: str) -> StoppedReason:
    """The code for the sentence that says why a partition is stopped. A sentence can contain offsets and types."""
    for beginning, reason in _BEGINNINGS.items():
        if stopped.startswith(beginning):
            return reason
    return StoppedReason.TOO_MANY_FAILURES if stopped.endswith(" failed") else StoppedReason.OTHER


async def _row(connection: Connection, query: str, *values: object) -> Any:
    row = await connection.fetchrow(query, *values)
    assert row is not None
    return row


def _key(row: Any) -> ParkedKey:
    # A key without events is one whose last event an operator is discarding now.
    reason = row["reason"] or "none"
    return ParkedKey(row["topic"], _id(row["key"]), row["since"], reason, row["events"], row["retry_requested"])


def _id(key: bytes) -> UUID | None:
    try:
        text = key.decode("ascii")
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
