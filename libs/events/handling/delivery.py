"""One batch in one transaction: fence, inbox, handlers, outbox. The caller, which opened the transaction, commits it.

The position row is the fence: if two processors handle the same records, one of them finds the position moved and rolls
back. The inbox discards events that the relay has sent twice. So the effects of every event happen once, however often
it is delivered.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import outbox
from libs.events.handling.batch import NOT_BELIEVED, Batch, Incoming, Unreadable, content_of, identity_of
from libs.events.handling.isolation import Isolation
from libs.events.handling.keyed import Digest, Seal, kept_name, known_as, name_of_before, parked_key
from libs.events.handling.limits import ParkingLimit
from libs.events.handling.parking import BEHIND, ID_REUSED, Parking, still_parked
from libs.events.handling.partitions import Partition
from libs.events.handling.waves import waves
from libs.events.kafka import Record
from libs.events.postgres import Connection, raw
from libs.events.processes.crashpoints import CrashPoint, crashpoint
from libs.events.subscriptions import Subscriptions
from libs.events.topics import Topic

_MOVED = """
    moved AS (
        UPDATE consumer_position p
        SET next_offset = u.next_offset, last_event_id = u.last_event_id, moved_at = clock_timestamp()
        FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::text[])
            AS u (partition, expected, next_offset, last_event_id)
        WHERE p.consumer_group = $1 AND p.topic = $2 AND p.partition = u.partition
            AND p.next_offset = u.expected
        RETURNING p.partition
    )
"""
_FENCE = f"WITH {_MOVED} SELECT array_agg(partition) FROM moved"  # noqa: S608 (constants)
_FENCE_AND_CLAIM = f"""
    WITH {_MOVED}, fresh AS (
        INSERT INTO inbox (consumer_group, source, event_id, day)
        SELECT $1, source, event_id, day FROM unnest($7::text[], $8::text[], $9::date[]) AS e (source, event_id, day)
        -- The positions are locked first: a second processor of the same records waits there and finds them moved.
        WHERE (SELECT count(*) FROM moved) = cardinality($3::int[])
        ON CONFLICT DO NOTHING
        RETURNING source, event_id
    )
    SELECT (SELECT array_agg(partition) FROM moved) AS moved,
        (SELECT array_agg(key) FROM parked_key WHERE consumer_group = $1 AND topic = $2) AS parked_keys,
        count(*) AS count,
        CASE WHEN count(*) < cardinality($8::text[]) THEN array_agg(source) END AS sources,
        CASE WHEN count(*) < cardinality($8::text[]) THEN array_agg(event_id) END AS ids
    FROM fresh
"""  # noqa: S608 (constants)
_CLAIM_FOREIGN = """
    WITH told AS (
        SELECT source, event_id, day, content, before
        FROM unnest($2::text[], $3::text[], $4::date[], $5::bytea[], $6::text[])
            AS e (source, event_id, day, content, before)
    ), before AS (
        SELECT t.source, t.event_id, i.content FROM told t
        JOIN inbox i ON i.consumer_group = $1 AND (i.source, i.event_id, i.day) = (t.source, t.before, t.day)
    ), fresh AS (
        INSERT INTO inbox (consumer_group, source, event_id, day, content)
        SELECT $1, source, event_id, day, content FROM told
        WHERE NOT EXISTS (SELECT FROM before b WHERE (b.source, b.event_id) = (told.source, told.event_id))
        ON CONFLICT DO NOTHING
        RETURNING source, event_id
    )
    SELECT t.source, t.event_id, f.event_id IS NOT NULL AS is_fresh, coalesce(i.content, b.content) AS content
    FROM told t LEFT JOIN fresh f USING (source, event_id) LEFT JOIN before b USING (source, event_id)
        LEFT JOIN inbox i ON i.consumer_group = $1 AND (i.source, i.event_id, i.day) = (t.source, t.event_id, t.day)
"""


class FencedError(Exception):
    """Another processor has handled records of these partitions: this batch must not be committed."""

    def __init__(self, partitions: set[int]) -> None:
        super().__init__(f"partitions {sorted(partitions)} have moved on")
        self.partitions = partitions


@dataclass(slots=True)
class Delivered:
    """The result of a batch. It is valid only after the transaction has committed."""

    handled: int
    duplicates: int
    parked: int
    not_believed: int
    """Number of parked records without a valid signature of the topic's writer."""
    over_quota: int
    """Number of parked records that were only counted, because the quota of the topic is used up."""
    appended: int
    limits: dict[int, ParkingLimit]


def _require_moved(batch: Batch, moved: Sequence[int] | None) -> None:
    behind = {part.partition.number for part in batch.parts} - set(moved or ())
    if behind:
        raise FencedError(behind)


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()


class Delivery:
    """Delivers batches to the handlers of one group."""

    def __init__(self, subscriptions: Subscriptions, *, seal: Seal | None, digest: Digest = _digest) -> None:
        self._subscriptions = subscriptions
        self._group = subscriptions.group
        self._seal = seal
        self._digest = digest

    async def deliver(self, session: AsyncSession, batch: Batch, *, careful: bool) -> Delivered:
        """Apply `batch` in the open transaction of `session`.

        With `careful`, failing events are found and parked, and the others are handled. Without it an error of a
        handler is raised unchanged, and no savepoints are needed. After `FencedError` and `ParkingLimitError` roll
        back.
        """
        rows = outbox.gather(session)
        connection = await raw(session)
        items = batch.items
        reused: set[int] = set()
        if batch.topic.foreign:
            # On a topic with external writers a parked key delays no other message, and there may be very many keys.
            blocked: set[bytes] = set()
            await self._fence(connection, batch)
            fresh = await self._claim_foreign(connection, items, reused, topic=batch.topic)
        else:
            fresh, blocked = await self._fence_and_claim(connection, batch)
        crashpoint(CrashPoint.CONSUMER_AFTER_INBOX)
        limits = {part.partition.number: part.partition.limit.copy() for part in batch.parts}
        parking = Parking(batch.topic, self._group, self._seal, self._digest)
        run = await self._set_aside(connection, batch, fresh, blocked, parking, limits, reused)
        if careful:
            run = await Isolation(session, self.run, rows, limits, parking, is_foreign=batch.topic.foreign).run(run)
        elif run:
            await self.run(session, run)
            for item in run:
                limits[item.record.partition].succeeded(1)
        await parking.write(connection)
        await outbox.write(session, rows)
        not_believed = sum(isinstance(item, Unreadable) and item.code == NOT_BELIEVED for item in fresh)
        return Delivered(
            len(run), len(items) - len(fresh), len(parking), not_believed, parking.over_quota, len(rows), limits
        )

    async def run(self, session: AsyncSession, items: Sequence[Incoming]) -> None:
        """Call the hooks, then the handlers, wave by wave."""
        received = [item.received for item in items]
        for before in self._subscriptions.before:
            await before(session, received)
        handlers = self._subscriptions.handlers
        for handler, positions in waves([item.handler.index for item in items], [item.key for item in items]):
            await handlers[handler].call(session, [received[position] for position in positions])

    def _moves(self, batch: Batch) -> tuple[Any, ...]:
        """The parameters of `_MOVED`."""
        parts = batch.parts
        return (
            self._group,
            batch.topic.name,
            [part.partition.number for part in parts],
            # The first record may have a higher offset than the stored position: records before it were skipped, or the
            # topic has gaps. The comparison also detects that an operator has moved the position.
            [part.partition.stored_offset for part in parts],
            [part.next_offset for part in parts],
            [kept_name(batch.topic, identity_of(part.records[-1]), self._digest) for part in parts],
        )

    async def _fence(self, connection: Connection, batch: Batch) -> None:
        """Move the positions."""
        _require_moved(batch, await connection.fetchval(_FENCE, *self._moves(batch)))
        crashpoint(CrashPoint.CONSUMER_AFTER_FENCE)

    async def _fence_and_claim(
        self, connection: Connection, batch: Batch
    ) -> tuple[Sequence[Incoming | Unreadable], set[bytes]]:
        """Move the positions and enter the events in the inbox, in one statement.

        Returns the events that were not in the inbox before, in their order, and the keys of this topic that are
        parked.
        """
        named = [(self._name(item, batch.topic), item) for item in batch.items]
        first: dict[tuple[str, str], Incoming | Unreadable] = {}
        for name, item in named:
            if name is not None:
                first.setdefault(name, item)
        days = [item.day for item in first.values()]
        sources, ids = [source for source, _ in first], [id_ for _, id_ in first]
        row = await connection.fetchrow(_FENCE_AND_CLAIM, *self._moves(batch), sources, ids, days)
        assert row is not None
        _require_moved(batch, row["moved"])
        crashpoint(CrashPoint.CONSUMER_AFTER_FENCE)
        blocked = set(row["parked_keys"] or ())
        if row["count"] == len(named):
            return batch.items, blocked
        if row["count"] < len(first):
            fresh = set(zip(row["sources"] or (), row["ids"] or (), strict=True))
            first = {name: item for name, item in first.items() if name in fresh}
        return [item for name, item in named if name is None or first.get(name) is item], blocked

    async def _claim_foreign(
        self, connection: Connection, items: Sequence[Incoming | Unreadable], reused: set[int], *, topic: Topic
    ) -> Sequence[Incoming | Unreadable]:
        """The same for a topic with external writers. Adds to `reused` events whose id was used with other content.

        A foreign producer may use one id for two different events. If the second were discarded as a repetition of the
        first, it would be lost without notice. The id of an event that cannot be read does not count as used, so that
        the sender can correct the event under the same id.
        """
        named = [
            (item, name, self._digest(content_of(item)))
            for item in items
            if isinstance(item, Incoming) and (name := self._name(item, topic)) is not None
        ]
        first: dict[tuple[str, str], tuple[Incoming, bytes]] = {}
        for item, name, digest in named:
            first.setdefault(name, (item, digest))
        if not first:
            return items
        rows = await connection.fetch(
            _CLAIM_FOREIGN,
            self._group,
            [source for source, _ in first],
            [id_ for _, id_ in first],
            [item.day for item, _ in first.values()],
            [digest for _, digest in first.values()],
            [name_of_before(topic, item.received.id) for item, _ in first.values()],
        )
        known = {(row["source"], row["event_id"]): row for row in rows}
        repeats: set[int] = set()
        for item, name, digest in named:
            row = known[name]
            if row["is_fresh"] and first[name][0] is item:
                continue
            before = first[name][1] if row["is_fresh"] else row["content"]
            # The rows of an older version have no digest of the content.
            (repeats if before in (None, digest) else reused).add(id(item))
        return [item for item in items if id(item) not in repeats]

    def identify(self, partition: Partition, record: Record) -> str:
        """The identity of the record, in the form in which the position of `partition` stores that of its last
        event."""
        return known_as(record, partition.last_event_id, topic=partition.topic, digest=self._digest)

    def _name(self, item: Incoming | Unreadable, topic: Topic) -> tuple[str, str] | None:
        """CloudEvents source and id of an event in the form of the inbox; None if they cannot be read."""
        named = item.received if isinstance(item, Incoming) else item.envelope
        return None if named is None else (named.source, kept_name(topic, named.id, self._digest))

    async def is_new(self, connection: Connection, item: Incoming, *, topic: Topic) -> bool:
        """Whether a foreign message that is retried is new: false if it was sent again under its id and handled since.

        Its id then counts as used. A message that was parked because its id was already used is new, because an
        operator has requested the retry.
        """
        reused: set[int] = set()
        return bool(await self._claim_foreign(connection, [item], reused, topic=topic))

    async def _set_aside(
        self,
        connection: Connection,
        batch: Batch,
        fresh: Iterable[Incoming | Unreadable],
        blocked: set[bytes],
        parking: Parking,
        limits: dict[int, ParkingLimit],
        reused: Container[int],
    ) -> list[Incoming]:
        """Park events that cannot be read, or whose key is parked. Returns the events for the handlers."""
        if blocked:
            met = {parked_key(batch.topic, item.key, self._digest) for item in fresh} & blocked
            blocked = await still_parked(connection, self._group, batch.topic, met)
        run: list[Incoming] = []
        for item in fresh:
            if blocked and parked_key(batch.topic, item.key, self._digest) in blocked:
                parking.add(item, BEHIND)
            elif id(item) in reused:
                parking.add(item, ID_REUSED)
            elif isinstance(item, Unreadable):
                parking.add(item, item.code, item.detail)
                if not batch.topic.foreign and item.code != NOT_BELIEVED:
                    blocked.add(parked_key(batch.topic, item.key, self._digest))
                    limits[item.record.partition].failed()
            else:
                run.append(item)
        return run
