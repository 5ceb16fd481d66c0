"""Keyed digests of texts from external senders: the ids of events and the keys of records.

A sender may write a person's name there. If a topic may contain identity data (`Topic.personal`), the tables of the bus
store a keyed digest instead. The same text gives the same digest, and without the key nobody can test guessed texts.
The source is stored unencrypted and must have the form of a URI, because operators need it.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256

from libs.events.handling.batch import identity_of
from libs.events.kafka import Record
from libs.events.postgres import Connection
from libs.events.topics import Topic

Seal = Callable[[bytes], bytes]
Digest = Callable[[bytes], bytes]

KEYED = "keyed:"
"""The prefix of an id that is a keyed digest."""
KEYED_BYTES = 16
"""The length of a keyed digest. Digests without a key, from older versions, have 32 bytes."""

_PLAIN_KEYS = """
    SELECT topic, key FROM parked_key WHERE consumer_group = $1 AND topic = ANY($2::text[]) AND octet_length(key) = $3
    ORDER BY topic, key FOR UPDATE
"""
_KEY_ANEW = """
    INSERT INTO parked_key (consumer_group, topic, key, since, retry_wanted_at)
    SELECT consumer_group, topic, $4, since, retry_wanted_at FROM parked_key
    WHERE consumer_group = $1 AND topic = $2 AND key = $3 ON CONFLICT DO NOTHING
"""
_KEY_EVENTS_ANEW = "UPDATE parked SET key = $4 WHERE consumer_group = $1 AND topic = $2 AND key = $3"
_DROP_KEY = "DELETE FROM parked_key WHERE consumer_group = $1 AND topic = $2 AND key = $3"
_PLAIN_IDENTITIES = """
    SELECT id, identity FROM parked
    WHERE consumer_group = $1 AND topic = ANY($2::text[]) AND log_offset >= 0 AND identity NOT LIKE $3 FOR UPDATE
"""
_IDENTIFY_ANEW = """
    UPDATE parked SET identity = a.identity FROM unnest($1::bigint[], $2::text[]) AS a (id, identity)
    WHERE parked.id = a.id
"""
_PLAIN_NAMES = """
    SELECT id, event_id FROM parked
    WHERE consumer_group = $1 AND topic = ANY($2::text[]) AND event_id NOT LIKE $3 FOR UPDATE
"""
_NAME_ANEW = """
    UPDATE parked SET event_id = a.event_id FROM unnest($1::bigint[], $2::text[]) AS a (id, event_id)
    WHERE parked.id = a.id
"""
_PLAIN_POSITIONS = """
    SELECT topic, partition, last_event_id FROM consumer_position
    WHERE consumer_group = $1 AND topic = ANY($2::text[]) AND last_event_id NOT LIKE $3 ORDER BY topic, partition
    FOR UPDATE
"""
_POSITION_ANEW = """
    UPDATE consumer_position SET last_event_id = $4 WHERE consumer_group = $1 AND topic = $2 AND partition = $3
"""


def kept_name(topic: Topic, name: str, digest: Digest) -> str:
    """The id of an event, or the identity of a record, in the form in which the tables store it."""
    return keyed_name(name, digest) if topic.personal else name


def keyed_name(name: str, digest: Digest) -> str:
    """The digest of an id, whatever its topic is. Operators use it to find events."""
    return f"{KEYED}{_keyed(name.encode(), digest).hex()}"


def name_of_before(topic: Topic, name: str) -> str | None:
    """The form in which an older version stored this id in a table that contains digests now; None if there is none.

    An id that looks like a digest has none. Otherwise a sender who knows a digest could use it as an id, and its event
    would be taken for the event with this digest.
    """
    return name if topic.personal and not name.startswith(KEYED) else None


def known_as(record: Record, before: str | None, *, topic: Topic, digest: Digest) -> str:
    """The identity of a record; unencrypted if an older version has stored that of the record `before` unencrypted."""
    identity = identity_of(record)
    return kept_name(topic, identity, digest) if before is None or before.startswith(KEYED) else identity


def parked_key(topic: Topic, key: bytes, digest: Digest) -> bytes:
    """The key as it is stored for parked events: a digest if the topic may contain identity data, because a sender may
    have put a name into the key."""
    return _keyed(sha256(key).digest(), digest) if topic.personal else key


def _keyed(content: bytes, digest: Digest) -> bytes:
    return digest(content)[:KEYED_BYTES]


async def key_anew(connection: Connection, group: str, topics: Iterable[Topic], digest: Digest) -> int:
    """Replace what an older version has stored for topics with identity data by keyed digests. Returns the number of
    rows.

    The inbox is not changed: its old rows are also looked up by the unencrypted id, and are deleted after some weeks.
    """
    names = [topic.name for topic in topics if topic.personal]
    keys = await connection.fetch(_PLAIN_KEYS, group, names, sha256().digest_size)
    for row in keys:
        anew = (group, row["topic"], row["key"], _keyed(row["key"], digest))
        for statement in (_KEY_ANEW, _KEY_EVENTS_ANEW, _DROP_KEY):
            await connection.execute(statement, *anew[: statement.count("$")])
    count = len(keys)
    for plain, column, renew in (
        (_PLAIN_IDENTITIES, "identity", _IDENTIFY_ANEW),
        (_PLAIN_NAMES, "event_id", _NAME_ANEW),
    ):
        rows = await connection.fetch(plain, group, names, f"{KEYED}%")
        known = [keyed_name(row[column], digest) for row in rows]
        await connection.execute(renew, [row["id"] for row in rows], known)
        count += len(rows)
    return count + await _key_positions(connection, group, names, digest)


async def _key_positions(connection: Connection, group: str, names: list[str], digest: Digest) -> int:
    rows = await connection.fetch(_PLAIN_POSITIONS, group, names, f"{KEYED}%")
    for row in rows:
        known = keyed_name(row["last_event_id"], digest)
        await connection.execute(_POSITION_ANEW, group, row["topic"], row["partition"], known)
    return len(rows)
