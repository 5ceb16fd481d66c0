"""The positions of the groups of one database, and how an operator moves them.

A position may be moved while its worker runs. The move is one UPDATE of the row that is also the worker's fence. A
batch either commits before it, or finds the position moved, rolls back, and begins at the new position. Records that
are read again are discarded if the inbox has them. Skipped records are not handled unless they are published again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from aiokafka.structs import TopicPartition

from libs.events.audit import Hand, RefusedError, note
from libs.events.consuming.admission import fault
from libs.events.handling.batch import identity_of
from libs.events.handling.keyed import KEYED, Digest, kept_name, known_as
from libs.events.kafka import Record
from libs.events.operating.logs import Bounds, Logs
from libs.events.postgres import Connection
from libs.events.topics import TOPICS, Topic

_ROWS = """
    SELECT consumer_group, topic, partition, next_offset, last_event_id, moved_at, stopped FROM consumer_position
    WHERE ($1::text IS NULL OR consumer_group = $1) AND ($2::text IS NULL OR topic = $2)
    ORDER BY consumer_group, topic, partition
"""
_LOCK = """
    SELECT next_offset, last_event_id FROM consumer_position
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3 FOR UPDATE
"""
_MOVE = """
    UPDATE consumer_position SET next_offset = $4, last_event_id = $5, moved_at = clock_timestamp(), stopped = NULL
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3
"""


class Target(Enum):
    """The target to which a position is moved."""

    START = "start"
    """The oldest record that still exists."""
    END = "end"
    """Behind the newest record."""
    OFFSET = "offset"
    """An offset between both."""
    AFTER_LAST_EVENT = "after-last-event"
    """Behind the event that was handled last, at whatever offset it is now: for a log that was copied to other
    offsets."""


@dataclass(frozen=True, slots=True)
class Position:
    """One group's position in one partition."""

    group: str
    topic: str
    partition: int
    next_offset: int
    last_event_id: str | None
    moved_at: datetime
    stopped: str | None
    """The reason why its worker has stopped it or would stop it; None if it can continue."""
    bounds: Bounds | None
    """None if the topic does not exist any more."""


@dataclass(frozen=True, slots=True)
class Move:
    """The move of one position."""

    group: str
    topic: str
    partition: int
    before: int
    after: int
    again: int
    """The number of offsets that are read again. The inbox discards the events that it knows."""
    skipped: int
    """The number of existing offsets that are never handled."""


async def positions(
    connection: Connection, logs: Logs, *, group: str | None = None, topic: str | None = None
) -> list[Position]:
    """The positions of this database, compared with the present logs."""
    rows = await connection.fetch(_ROWS, group, topic)
    bounds = await logs.bounds(TopicPartition(row["topic"], row["partition"]) for row in rows)
    found = []
    for row in rows:
        there = bounds.get(TopicPartition(row["topic"], row["partition"]))
        wrong = row["stopped"]
        if wrong is None:
            wrong = (
                "the topic is gone" if there is None else fault(row["next_offset"], first=there.first, end=there.end)
            )
        where = (row["consumer_group"], row["topic"], row["partition"])
        found.append(Position(*where, row["next_offset"], row["last_event_id"], row["moved_at"], wrong, there))
    return found


async def reset(
    connection: Connection,
    logs: Logs,
    *,
    group: str,
    topic: str,
    partition: int | None,
    target: Target,
    by: Hand,
    offset: int | None = None,
    digest: Digest | None = None,
    may_skip: bool = False,
    dry_run: bool = False,
) -> list[Move]:
    """Move one position of a topic, or all of them, in one transaction.

    `digest` is the digest function of the service, for a topic that may contain identity data. Without it the last
    event cannot be searched, and the new position is not verified against the log until a batch has moved it.
    `RefusedError` if there is no such position, if the target is not in the log, or if records would be skipped without
    permission.
    """
    rows = await connection.fetch(_ROWS, group, topic)
    numbers = [row["partition"] for row in rows if partition in (None, row["partition"])]
    if not numbers:
        raise RefusedError("this database has no such position")
    names = [TopicPartition(topic, number) for number in numbers]
    bounds = await logs.bounds(names)
    if missing := [name.partition for name in names if name not in bounds]:
        raise RefusedError(f"topic {topic} has no partition {missing[0]} now")
    async with connection.transaction():
        moves = [
            await _move(connection, logs, group, name, bounds[name], target, offset, by, digest, dry_run=dry_run)
            for name in names
        ]
        _refuse_skips(moves, may_skip=may_skip or dry_run)
    return moves


@dataclass(frozen=True, slots=True)
class _Names:
    """The form in which one position stores the identity of its last event."""

    topic: Topic
    digest: Digest | None
    last_event_id: str | None

    def require(self) -> None:
        """`RefusedError` if identities cannot be compared."""
        if self.topic.personal and self.digest is None:
            raise RefusedError(
                f"the last event of {self.topic.name} is stored as a digest: name the function with --digest"
            )

    def is_last(self, record: Record) -> bool:
        if not self.topic.personal or self.digest is None:
            return identity_of(record) == self.last_event_id
        return known_as(record, self.last_event_id, topic=self.topic, digest=self.digest) == self.last_event_id

    def kept(self, record: Record) -> str | None:
        if not self.topic.personal:
            return identity_of(record)
        return None if self.digest is None else kept_name(self.topic, identity_of(record), self.digest)


def _topic_of(name: TopicPartition, last_event_id: str | None) -> Topic:
    """The declared topic, or a default. A stored digest shows that the topic may contain identity data."""
    topic = TOPICS.get(name.topic) or Topic(name.topic, partitions=0)
    return replace(topic, personal=topic.personal or (last_event_id or "").startswith(KEYED))


async def _move(
    connection: Connection,
    logs: Logs,
    group: str,
    name: TopicPartition,
    bounds: Bounds,
    target: Target,
    offset: int | None,
    by: Hand,
    digest: Digest | None,
    *,
    dry_run: bool,
) -> Move:
    row = await connection.fetchrow(_LOCK, group, name.topic, name.partition)
    assert row is not None
    before: int = row["next_offset"]
    names = _Names(_topic_of(name, row["last_event_id"]), digest, row["last_event_id"])
    after = await _whereto(logs, name, bounds, target, offset, names)
    move = Move(
        group, name.topic, name.partition, before, after,
        again=max(min(before, bounds.end) - after, 0), skipped=max(after - max(before, bounds.first), 0),
    )  # fmt: skip
    if not dry_run:
        last = await logs.record_at(name, after - 1) if after > bounds.first else None
        identity = None if last is None else names.kept(last)
        await connection.execute(_MOVE, group, name.topic, name.partition, after, identity)
        # Earlier records of this action have the target as `place`.
        subject = {"group": group, "topic": name.topic, "partition": name.partition, "place": target.value}
        figures = {"before": before, "after": after, "again": move.again, "skipped": move.skipped}
        await note(connection, "position.reset", by, subject | figures)
    return move


async def _whereto(
    logs: Logs, name: TopicPartition, bounds: Bounds, target: Target, offset: int | None, names: "_Names"
) -> int:
    if target is Target.START:
        return bounds.first
    if target is Target.END:
        return bounds.end
    if target is Target.OFFSET:
        if offset is None or not bounds.first <= offset <= bounds.end:
            raise RefusedError(f"partition {name.partition} has offsets {bounds.first} to {bounds.end}")
        return offset
    names.require()
    async for records in logs.records(name, bounds.first, bounds.end):
        for record in records:
            if names.is_last(record):
                return record.offset + 1
    raise RefusedError(f"partition {name.partition} does not contain the event that was processed last")


def _refuse_skips(moves: Sequence[Move], *, may_skip: bool) -> None:
    skipped = sum(move.skipped for move in moves)
    if skipped and not may_skip:
        raise RefusedError(f"{skipped} records would never be processed; use --skip if this is intended")
