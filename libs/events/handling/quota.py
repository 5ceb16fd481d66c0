"""The quota for faulty messages of external senders, so that these cannot fill the disk or stop a partition.

Complete messages are parked up to a quota per partition and day (UTC). It limits the messages of one source, the number
of sources, the messages in total and the bytes. Further messages are only counted: one row per partition and day has
their number and their range of offsets. Their content is on Kafka until the retention of the topic ends, and their ids
do not count as used. If an operator moves the position back, they are read again.

The quota is computed from the table of parked events. Events that an operator has discarded or retried do not count.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from libs.events.postgres import Connection

SOURCE_ROWS = 100
"""Messages of one CloudEvents source. `SOURCES` limits the sources, because an attacker can invent any number of
them."""
SOURCES = 20
ROWS = 500
BYTES = 8_388_608
OVER_QUOTA = "over-quota"
"""The reason in the row that counts messages."""

_KEPT = """
    SELECT partition, source, count(*) AS rows, sum(octet_length(content)) AS bytes FROM parked
    WHERE consumer_group = $1 AND topic = $2 AND partition = ANY($3) AND parked_at >= $4 AND reason <> 'over-quota'
    GROUP BY partition, source
"""
_COUNTED = """
    SELECT partition, content FROM parked
    WHERE consumer_group = $1 AND topic = $2 AND partition = ANY($3) AND log_offset = -1 AND identity = $4
"""


@dataclass(slots=True)
class Room:
    """The used part of the quota of one partition today."""

    rows: int = 0
    bytes: int = 0
    by_source: Counter[str | None] = field(default_factory=Counter)

    def take(self, source: str | None, size: int) -> bool:
        """Whether one more message can be stored. If so, it is added to the used part."""
        if source not in self.by_source and len(self.by_source) >= SOURCES:
            return False
        if self.rows >= ROWS or self.bytes + size > BYTES or self.by_source[source] >= SOURCE_ROWS:
            return False
        self.rows += 1
        self.bytes += size
        self.by_source[source] += 1
        return True


@dataclass(frozen=True, slots=True)
class Counted:
    """Messages of one partition that are only counted: their number and their range of offsets."""

    count: int
    first_offset: int
    last_offset: int


def more(before: Counted | None, offsets: Sequence[int]) -> Counted:
    """The earlier count, if there is one, together with these messages."""
    if before is None:
        return Counted(len(offsets), min(offsets), max(offsets))
    return Counted(before.count + len(offsets), min(before.first_offset, *offsets), max(before.last_offset, *offsets))


def today() -> datetime:
    """The last midnight in UTC, in real time like all times in the event tables."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def rooms(connection: Connection, group: str, topic: str, partitions: Sequence[int]) -> dict[int, Room]:
    """The used part of the quota today, by partition. It cannot change meanwhile, because the batch has locked the
    position of its partition."""
    found = {number: Room() for number in partitions}
    for row in await connection.fetch(_KEPT, group, topic, list(partitions), today()):
        room = found[row["partition"]]
        room.rows += row["rows"]
        room.bytes += row["bytes"]
        room.by_source[row["source"]] += row["rows"]
    return found


async def counted(connection: Connection, group: str, topic: str, partitions: Sequence[int]) -> dict[int, bytes]:
    """The content of today's rows that count messages, by partition."""
    rows = await connection.fetch(_COUNTED, group, topic, list(partitions), identity())
    return {row["partition"]: row["content"] for row in rows}


def identity() -> str:
    """The identity of today's row that counts messages."""
    return f"{OVER_QUOTA}:{today():%Y%m%d}"
