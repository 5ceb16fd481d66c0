"""The records of one batch, parsed and checked as far as this is possible without the database."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from libs.events.event import Event, Received, SetAside
from libs.events.handling.partitions import Partition
from libs.events.kafka import Record
from libs.events.messages.envelope import Envelope, EnvelopeError, read
from libs.events.messages.opening import UnreadableEventError, take_up
from libs.events.signing import Keyring
from libs.events.subscriptions import Handler, Subscriptions
from libs.events.topics import Topic

VALUE_MISSING = "value-missing"
"""The reason for parking a record without a value on a topic where the value is the event."""
NOT_BELIEVED = "signature"
"""The reason for parking a record that has no valid signature of the writer of its topic."""
NO_DAY = date(1970, 1, 1)
"""The inbox day of an event without a time."""


@dataclass(slots=True)
class Incoming:
    """One record that is an event with a handler here."""

    record: Record
    key: bytes
    """The key whose order matters: the key of the record, or a unique one if the record has none."""
    handler: Handler
    received: Received[Any]
    day: date
    data: bytes
    """The data of the event as they were received."""
    failure: str | None = None
    """The type of the error with which its handler failed."""


@dataclass(slots=True)
class Unreadable:
    """One record that may be an event for a handler of this group, and that cannot be read."""

    record: Record
    key: bytes
    code: str
    detail: str
    envelope: Envelope | None
    """None: the id of the record does not count as used, so that the real event with this id can be handled later."""

    @property
    def day(self) -> date:
        """The day of the record in the inbox."""
        return NO_DAY if self.envelope is None else _day(self.envelope)


@dataclass(slots=True)
class Part:
    """The part of a batch that comes from one partition: consecutive records. The fence needs the last one."""

    partition: Partition
    records: Sequence[Record]
    items: list[Incoming | Unreadable] = field(default_factory=list)

    @property
    def next_offset(self) -> int:
        """The position after this part."""
        return self.records[-1].offset + 1


@dataclass(slots=True)
class Batch:
    """Parts of one topic that share a transaction."""

    topic: Topic
    parts: list[Part]

    @property
    def items(self) -> list[Incoming | Unreadable]:
        """All events for handlers, partition by partition, in order."""
        return [item for part in self.parts for item in part.items]

    @property
    def record_count(self) -> int:
        """The number of records, including those without a handler in this group."""
        return sum(len(part.records) for part in self.parts)


def content_of(item: Incoming | Unreadable) -> bytes:
    """The content of an event in one form, independent of its mode, its spaces and the order of its names. Empty if the
    content cannot be read."""
    if isinstance(item, Incoming):
        type_, data = str(item.received.event.type), item.data
    elif item.envelope is not None:
        type_, data = item.envelope.type, item.envelope.data
    else:
        return b""
    with contextlib.suppress(ValueError, RecursionError):
        data = json.dumps(json.loads(data), sort_keys=True).encode()
    return type_.encode() + b"\n" + data


def key_alone(record: Record) -> bytes:
    """A key that no other record has."""
    return b"@%d:%d" % (record.partition, record.offset)


def identity_of(record: Record) -> str:
    """The identity of a record. It differs from that of another record at the same offset, after a log was cut and grew
    again."""
    for name, value in record.headers:
        if name == "ce_id":
            return value.decode("utf-8", "backslashreplace")[:256].replace("\0", "")
    return "sha256:" + sha256(record.value or b"").hexdigest()


def understand(
    record: Record, subscriptions: Subscriptions, *, topic: Topic, keyring: Keyring | None
) -> Incoming | Unreadable | None:
    """The record as an event, or the reason why it cannot be read, or None if this group has no handler for it.

    On a compacted topic a record without a value is a tombstone, which no handler gets. On other topics it is an error
    of the sender, which has lost its content, so it is parked for an operator. On a topic with a writer, only records
    with a valid signature of the writer are read.
    """
    if record.value is None and topic.compacted:
        return None
    for name, value in record.headers:
        if name == "ce_type":
            if not subscriptions.handles(record.topic, value):
                return None
            break
    alone = key_alone(record)
    if topic.writer is not None:
        fault = "signature-missing" if keyring is None else keyring.fault(record, writer=topic.writer)
        if fault is not None:
            # Under a separate key: a forged record must not delay the real events of the key that it names.
            return Unreadable(record, alone, NOT_BELIEVED, fault, None)
    key = alone if record.key is None else record.key
    if not record.value:
        # Without an envelope its id does not count as used, so the same event is handled when it is sent again with its
        # value.
        return Unreadable(record, key, VALUE_MISSING, "the record has no value", None)
    envelope: Envelope | None = None
    try:
        envelope = read(record.headers, record.value)
        found = subscriptions.find(record.topic, envelope.type)
        if found is None:
            return None
        event, set_aside = take_up(found[1], envelope.data, is_foreign=topic.foreign)
    except EnvelopeError as error:
        return Unreadable(record, key, "envelope", error.code, envelope)
    except UnreadableEventError as error:
        return Unreadable(record, key, error.code, error.places, envelope)
    received = _received(event, set_aside, envelope, record)
    return Incoming(record, key, found[0], received, _day(envelope), envelope.data)


def forgotten(item: Incoming | Unreadable, *, topic: Topic, before: datetime) -> Incoming | Unreadable:
    """`item`, or an `Unreadable` in its place if the event is so old that the inbox may have forgotten it.

    A signature never expires, so without this check a copy of an old event could be handled a second time. On compacted
    topics old states are normal, and their versions show that they are old.
    """
    if topic.writer is None or topic.compacted or not isinstance(item, Incoming) or item.received.time >= before:
        return item
    return Unreadable(item.record, key_alone(item.record), NOT_BELIEVED, "older-than-the-inbox", None)


def _received(event: Event, set_aside: tuple[SetAside, ...], envelope: Envelope, record: Record) -> Received[Any]:
    return Received(
        event,
        envelope.id,
        envelope.source,
        envelope.time or datetime.fromtimestamp(record.timestamp / 1000, UTC),
        "" if record.key is None else record.key.decode("utf-8", "replace"),
        envelope.traceparent,
        envelope.tracestate,
        set_aside,
    )


def _day(envelope: Envelope) -> date:
    return NO_DAY if envelope.time is None else envelope.time.date()
