"""Rebuild a read model from the logs: empty it and handle all its events again, in one transaction.

Until the commit, readers see the old content. The worker may run: the positions of the topics are locked, so a batch
waits until the model is complete, and then continues. Nothing is published, and no position moves.
This is possible only for read models that a service has declared with `Subscriptions.rebuilds`: their handlers change
nothing else.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.structs import TopicPartition
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import outbox
from libs.events.audit import Hand, RefusedError, note
from libs.events.handling.batch import NOT_BELIEVED, Incoming, Unreadable, identity_of, understand
from libs.events.handling.delivery import Delivery
from libs.events.handling.parking import told
from libs.events.operating.logs import Bounds, Logs
from libs.events.postgres import Connection, Transaction, raw
from libs.events.signing import Keyring
from libs.events.subscriptions import ReadModel, Subscriptions
from libs.events.topics import TOPICS, Topic

_POSITIONS = """
    SELECT topic, partition, next_offset FROM consumer_position
    WHERE consumer_group = $1 AND topic = ANY($2) ORDER BY topic, partition FOR UPDATE
"""
_PARKED = "SELECT topic, partition, log_offset, identity FROM parked WHERE consumer_group = $1 AND topic = ANY($2)"
_DISCARDED = """
    SELECT subject->>'event_id' AS event_id FROM operator_action
    WHERE action = 'parked.discard' AND subject->>'group' = $1 AND subject->>'topic' = ANY($2)
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What a service must provide so that its read models can be rebuilt."""

    subscriptions: Subscriptions
    transaction: Transaction
    close: Callable[[], Awaitable[None]]
    """Closes its connections."""
    keyring: Keyring
    """The keys that verify the signatures of events."""
    topics: Mapping[str, Topic] = field(default_factory=lambda: TOPICS)
    """The declared topics."""


@dataclass(slots=True)
class Rebuilt:
    """The result of a rebuild for one topic."""

    topic: str
    handled: int = 0
    parked: int = 0
    """Events that are still parked or were discarded by an operator; they are left out."""
    unreadable: int = 0
    not_believed: int = 0
    """Events without a valid signature of the topic's writer, such as those from the time before signatures; they are
    left out."""


@dataclass(slots=True)
class _Rebuild:
    """The state of one rebuild."""

    session: AsyncSession
    connection: Connection
    delivery: Delivery
    subscriptions: Subscriptions
    topics: Mapping[str, Topic]
    keyring: Keyring
    aside: set[tuple[str, int, int, str]] = field(default_factory=set)
    discarded: set[str] = field(default_factory=set)


def model_of(subscriptions: Subscriptions, topic: str) -> ReadModel:
    """The read model that is built from a topic. `RefusedError` with the reason if there is none."""
    if topic not in subscriptions.topics:
        raise RefusedError(f"{subscriptions.group} does not subscribe to {topic}")
    model = subscriptions.read_model(topic)
    if model is None:
        raise RefusedError(
            f"{subscriptions.group} does not declare a read model of {topic} that can be rebuilt:"
            " its handlers have further effects, which would happen twice"
        )
    return model


async def rebuild(service: Service, logs: Logs, *, topic: str, by: Hand) -> list[Rebuilt]:
    """Rebuild the read model that is built from `topic` and perhaps from further topics; all or nothing.

    `RefusedError` if it must not be rebuilt, if a log has lost records, or if a handler fails.
    """
    subscriptions = service.subscriptions
    model = model_of(subscriptions, topic)
    topics = sorted(model.topics)
    known = {name: service.topics.get(name) or Topic(name, partitions=0) for name in topics}
    if personal := [name for name, one in known.items() if one.personal]:
        raise RefusedError(f"{personal[0]} may contain identity data: its parked events cannot be distinguished here")
    lacking = service.keyring.lacks({one.writer for one in known.values() if one.writer is not None})
    if lacking:
        raise RefusedError(f"no key of {', '.join(lacking)} is known: their events would be rejected")
    async with service.transaction() as session:
        rows = outbox.gather(session)
        connection = await raw(session)
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await connection.execute("SET LOCAL statement_timeout = 0")
        positions = await connection.fetch(_POSITIONS, subscriptions.group, topics)
        names = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in positions}
        ranges = await _ranges(logs, names, known)
        await model.empty(session)
        work = _Rebuild(session, connection, Delivery(subscriptions, seal=None), subscriptions, known, service.keyring)
        await _note_what_is_aside(work, topics)
        found = {name: Rebuilt(name) for name in topics}
        for name, (first, end) in ranges.items():
            async for items in _items(logs, name, first, end, work, found[name.topic]):
                await _handle(work, items)
        if rows:
            raise RefusedError(f"the handlers of {topic} publish events, so this is not a read model")
        counts = {name: one.handled for name, one in found.items()}
        await note(connection, "replay", by, {"group": subscriptions.group, "model": model.name, "handled": counts})
    return list(found.values())


async def _ranges(
    logs: Logs, names: Mapping[TopicPartition, int], topics: Mapping[str, Topic]
) -> dict[TopicPartition, tuple[int, int]]:
    """The range of offsets of each partition that is handled.

    Of a compacted topic this is the whole log: compaction may have removed records below the position that have newer
    ones behind it, and a state that is handled twice changes nothing. Of another topic it is the part below the
    position, and the log must still have all of it.
    """
    bounds = await logs.bounds(names)
    ranges = {}
    for name, position in names.items():
        there = bounds.get(name)
        if there is None:
            raise RefusedError(f"{name.topic} has no partition {name.partition} now")
        compacted = topics[name.topic].compacted
        _refuse_lost(name, position, there, compacted=compacted)
        ranges[name] = (there.first, there.end if compacted else position)
    return ranges


def _refuse_lost(name: TopicPartition, position: int, there: Bounds, *, compacted: bool) -> None:
    if position > there.end:
        raise RefusedError(f"the log of {name.topic} {name.partition} was cut: repair that first")
    if there.first > 0 and not compacted:
        raise RefusedError(
            f"{name.topic} {name.partition} has lost the records before offset {there.first}:"
            " their effects cannot be rebuilt"
        )


async def _note_what_is_aside(work: _Rebuild, topics: list[str]) -> None:
    group = work.subscriptions.group
    work.aside = {tuple(row) for row in await work.connection.fetch(_PARKED, group, topics)}
    work.discarded = {row["event_id"] for row in await work.connection.fetch(_DISCARDED, group, topics)}


async def _items(
    logs: Logs, name: TopicPartition, first: int, end: int, work: _Rebuild, found: Rebuilt
) -> AsyncIterator[list[Incoming]]:
    async for records in logs.records(name, first, end):
        items: list[Incoming] = []
        for record in records:
            item = understand(record, work.subscriptions, topic=work.topics[name.topic], keyring=work.keyring)
            if item is None:
                continue
            identity = identity_of(record)
            if identity in work.discarded or (name.topic, name.partition, record.offset, identity) in work.aside:
                found.parked += 1
            elif isinstance(item, Unreadable):
                if item.code == NOT_BELIEVED:
                    found.not_believed += 1
                else:
                    found.unreadable += 1
            else:
                items.append(item)
        found.handled += len(items)
        if items:
            yield items


async def _handle(work: _Rebuild, items: list[Incoming]) -> None:
    try:
        await work.delivery.run(work.session, items)
    except Exception as error:
        record: Any = items[0].record
        raise RefusedError(
            f"a handler failed for records from {record.topic} {record.partition}, offset {record.offset} on"
            f" ({told(error)}); the read model was not changed"
        ) from error
