"""Events that wait for an operator, and their keys.

A parked event is stored completely. If its topic may contain identity data, the content is sealed, and its id and key
are stored only as keyed digests (`libs.events.handling.keyed`).
While a key is parked, its later events are parked too, so that no event overtakes an earlier one.
"""

import base64
import json
import traceback
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from libs.events.handling import quota
from libs.events.handling.batch import NOT_BELIEVED, Incoming, Unreadable, identity_of, key_alone
from libs.events.handling.keyed import Digest, Seal, kept_name, parked_key
from libs.events.messages.envelope import Headers
from libs.events.postgres import Connection
from libs.events.topics import Topic

BEHIND = "behind"
"""The reason for parking an event that has no fault itself: an earlier event of its key is parked."""
ID_REUSED = "id-reused"
"""The reason for parking an event whose id was used before with other content."""
HANDLER = "handler"
"""The reason for parking an event whose handler raised an error."""

_PARK = """
    INSERT INTO parked (consumer_group, topic, partition, log_offset, key, event_type, event_id, source, reason,
        error, sealed, content, identity)
    SELECT $1, $2, partition, log_offset, key, event_type, event_id, source, reason, error, $3, content, identity
    FROM unnest($4::int[], $5::bigint[], $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
        $12::bytea[], $13::text[])
        WITH ORDINALITY AS p (partition, log_offset, key, event_type, event_id, source, reason, error, content,
            identity, ord)
    ORDER BY ord
    ON CONFLICT (consumer_group, topic, partition, log_offset, identity) DO NOTHING
"""
_COUNT = """
    INSERT INTO parked (consumer_group, topic, partition, log_offset, key, reason, error, sealed, content, identity)
    SELECT $1, $2, partition, -1, key, 'over-quota', error, false, content, $3
    FROM unnest($4::int[], $5::bytea[], $6::text[], $7::bytea[]) AS c (partition, key, error, content)
    ON CONFLICT (consumer_group, topic, partition, log_offset, identity)
        DO UPDATE SET error = excluded.error, content = excluded.content
"""
_GIVE_IDS_BACK = """
    DELETE FROM inbox i USING unnest($2::text[], $3::text[], $4::date[]) AS e (source, event_id, day)
    WHERE i.consumer_group = $1 AND (i.source, i.event_id, i.day) = (e.source, e.event_id, e.day)
"""
_PARK_KEYS = """
    INSERT INTO parked_key (consumer_group, topic, key)
    SELECT $1, $2, key FROM unnest($3::bytea[]) AS k (key)
    ON CONFLICT DO NOTHING
"""
_LOCK_KEYS = """
    SELECT key FROM parked_key WHERE consumer_group = $1 AND topic = $2 AND key = ANY($3::bytea[]) FOR SHARE
"""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a record."""

    headers: Headers
    key: bytes | None
    value: bytes | None
    timestamp: int
    """Kafka's time of the record, in milliseconds since 1970."""

    def to_bytes(self) -> bytes:
        """The form that is stored, before sealing."""
        return json.dumps(
            {
                "headers": [[name, base64.b64encode(value).decode()] for name, value in self.headers],
                "key": None if self.key is None else base64.b64encode(self.key).decode(),
                "value": None if self.value is None else base64.b64encode(self.value).decode(),
                "timestamp": self.timestamp,
            }
        ).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Content":
        """The content from its stored form, after unsealing."""
        fields = json.loads(stored)
        return cls(
            [(name, base64.b64decode(value)) for name, value in fields["headers"]],
            None if fields["key"] is None else base64.b64decode(fields["key"]),
            None if fields["value"] is None else base64.b64decode(fields["value"]),
            fields["timestamp"],
        )


def reason_of(error: BaseException) -> str:
    """The reason for parking an event whose handler raised `error`: the reason of the refusal, otherwise `HANDLER`."""
    reason = getattr(error, "parked_as", None)
    return reason if isinstance(reason, str) else HANDLER


class Parking:
    """The events that one batch parks. `write` stores them in the transaction of the batch."""

    def __init__(self, topic: Topic, group: str, seal: Seal | None, digest: Digest) -> None:
        self._topic = topic
        self._digest = digest
        self._group = group
        self._seal = seal
        self._entries: list[tuple[Incoming | Unreadable, str, str | None]] = []
        self.over_quota = 0
        """How many of them are only counted. It is known after `write`."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, item: Incoming | Unreadable, reason: str, error: str | None = None) -> None:
        """Park `item`. `error` describes the failure, without values of the event."""
        self._entries.append((item, reason, error))

    async def write(self, connection: Connection) -> None:
        """Store the added events in the order of the log."""
        if not self._entries:
            return
        self._entries.sort(key=lambda entry: (entry[0].record.partition, entry[0].record.offset))
        if self._topic.foreign:
            await self._give_ids_back(connection)
        kept = await self._within_quota(connection)
        columns = [self._columns(*entry) for entry in kept]
        if not columns:
            return
        await connection.execute(
            _PARK, self._group, self._topic.name, self._topic.personal, *map(list, zip(*columns, strict=True))
        )
        await connection.execute(_PARK_KEYS, self._group, self._topic.name, list({column[2] for column in columns}))

    def _columns(self, item: Incoming | Unreadable, reason: str, error: str | None) -> tuple[object, ...]:
        record = item.record
        content = Content(record.headers, record.key, record.value, record.timestamp).to_bytes()
        if self._topic.personal:
            if self._seal is None:
                raise ValueError(f"topic {self._topic.name} may carry identity data: parking there needs a seal")
            content = self._seal(content)
        name: tuple[str | None, ...] = (None, None, None)
        if isinstance(item, Incoming):
            name = (item.received.event.type, self._known(item.received.id), item.received.source)
        elif item.envelope is not None:
            name = (item.envelope.type, self._known(item.envelope.id), item.envelope.source)
        # A faulty message of an external sender is parked alone, so that its corrected repetition need not wait for it.
        key = parked_key(self._topic, key_alone(record) if self._topic.foreign else item.key, self._digest)
        identity = self._known(identity_of(record))
        return (record.partition, record.offset, key, *name, reason, error, content, identity)

    def _known(self, name: str) -> str:
        return kept_name(self._topic, name, self._digest)

    async def _give_ids_back(self, connection: Connection) -> None:
        """Remove the ids of failed events from the inbox, so that a corrected event with the same id, or the same
        record if it is read again, is handled."""
        failed = [item for item, reason, _ in self._entries if isinstance(item, Incoming) and reason != ID_REUSED]
        if failed:
            names = [(item.received.source, self._known(item.received.id), item.day) for item in failed]
            await connection.execute(_GIVE_IDS_BACK, self._group, *map(list, zip(*names, strict=True)))

    async def _within_quota(self, connection: Connection) -> list[tuple[Incoming | Unreadable, str, str | None]]:
        """The events that are stored. Events of external senders beyond the quota are only counted."""
        partitions = sorted({entry[0].record.partition for entry in self._entries if self._is_strangers(entry)})
        if not partitions:
            return self._entries
        rooms = await quota.rooms(connection, self._group, self._topic.name, partitions)
        kept, beyond = [], defaultdict[int, list[int]](list)
        for entry in self._entries:
            record = entry[0].record
            size = len(record.key or b"") + len(record.value or b"") + sum(len(value) for _, value in record.headers)
            if not self._is_strangers(entry) or rooms[record.partition].take(source_of(entry[0]), size):
                kept.append(entry)
            else:
                beyond[record.partition].append(record.offset)
        if beyond:
            self.over_quota = sum(map(len, beyond.values()))
            await self._count(connection, beyond)
        return kept

    def _is_strangers(self, entry: tuple[Incoming | Unreadable, str, str | None]) -> bool:
        return self._topic.foreign or entry[1] == NOT_BELIEVED

    async def _count(self, connection: Connection, beyond: Mapping[int, Sequence[int]]) -> None:
        before = await quota.counted(connection, self._group, self._topic.name, list(beyond))
        now = [quota.more(_counted(before.get(number)), offsets) for number, offsets in beyond.items()]
        names = (f"{quota.identity()}:{number}".encode() for number in beyond)
        keys = [parked_key(self._topic, name, self._digest) for name in names]
        told = [f"{one.count} messages between offsets {one.first_offset} and {one.last_offset}" for one in now]
        rows = (list(beyond), keys, told, [_content_of(one) for one in now])
        await connection.execute(_COUNT, self._group, self._topic.name, quota.identity(), *rows)
        await connection.execute(_PARK_KEYS, self._group, self._topic.name, keys)


def source_of(item: Incoming | Unreadable) -> str | None:
    """The CloudEvents source that the event itself names; None if it cannot be read."""
    if isinstance(item, Incoming):
        return item.received.source
    return None if item.envelope is None else item.envelope.source


def _counted(stored: bytes | None) -> quota.Counted | None:
    """The content of a row that only counts messages. It stores its numbers in the place of headers."""
    if stored is None:
        return None
    figures = dict(Content.from_bytes(stored).headers)
    return quota.Counted(*(int(figures[name]) for name in quota.Counted.__slots__))


def _content_of(counted: quota.Counted) -> bytes:
    figures = [(name, str(getattr(counted, name)).encode()) for name in counted.__slots__]
    return Content(figures, None, None, 0).to_bytes()


async def still_parked(connection: Connection, group: str, topic: Topic, keys: Iterable[bytes]) -> set[bytes]:
    """The keys that are parked. They are locked, so that they stay parked until the end of the transaction.

    Waits for a running retry. If the retry has processed all events of a key, newer events of the key are handled
    normally.
    """
    wanted = list(keys)
    if not wanted:
        return set()
    rows = await connection.fetch(_LOCK_KEYS, group, topic.name, wanted)
    return {row["key"] for row in rows}


def told(error: BaseException) -> str:
    """The type of an error and its place in the code, without its text, which may quote the event.

    A refusal that names only fields and rules, and no values, is described by these names.
    """
    because = getattr(error, "parked_because", None)
    if isinstance(because, str) and because:
        return because
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    if not own:
        return type(error).__name__
    place = "/".join(own[-1].filename.split("/")[-3:])
    return f"{type(error).__name__} at {place}:{own[-1].lineno}"
