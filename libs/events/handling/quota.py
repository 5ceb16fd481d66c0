"""How much is kept of what strangers send and get wrong, so that they fill no disk and stop no partition.

Whole messages are parked up to a quota, per partition and day (UTC): so many of one source, so many sources, so many in
all, so many bytes. Beyond it a message is only counted: one row a partition and day says how many there were and
between which offsets. Its body is still on Kafka for as long as the topic keeps it, and its id is not taken: when the
position is moved back it is read again.

The quota is counted from the table of parked events itself; what a person has discarded or retried gives room.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from libs.events.postgres import Connection

SOURCE_ROWS = 100
"""Messages of one CloudEvents source. The source is what a sender says of itself: an attacker makes up others."""
SOURCES = 20
ROWS = 500
BYTES = 8_388_608
OVER_QUOTA = "over-quota"
"""The reason of the row that counts."""

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
    """What is taken of one partition's quota today."""

    rows: int = 0
    bytes: int = 0
    by_source: Counter[str | None] = field(default_factory=Counter)

    def take(self, source: str | None, size: int) -> bool:
        """Whether one more message is kept; it is counted if so."""
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
    """Messages of one partition of which nothing but their number is kept."""

    count: int
    first_offset: int
    last_offset: int


def more(before: Counted | None, offsets: Sequence[int]) -> Counted:
    """What was counted before, if anything was, and these."""
    if before is None:
        return Counted(len(offsets), min(offsets), max(offsets))
    return Counted(before.count + len(offsets), min(before.first_offset, *offsets), max(before.last_offset, *offsets))


def today() -> datetime:
    """Midnight, UTC: real time, as all of the event tables."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def rooms(connection: Connection, group: str, topic: str, partitions: Sequence[int]) -> dict[int, Room]:
    """What is taken today, by partition. Batches of a partition come one after the other: its position is locked."""
    found = {number: Room() for number in partitions}
    for row in await connection.fetch(_KEPT, group, topic, list(partitions), today()):
        room = found[row["partition"]]
        room.rows += row["rows"]
        room.bytes += row["bytes"]
        room.by_source[row["source"]] += row["rows"]
    return found


async def counted(connection: Connection, group: str, topic: str, partitions: Sequence[int]) -> dict[int, bytes]:
    """What the rows that count hold today, by partition."""
    rows = await connection.fetch(_COUNTED, group, topic, list(partitions), identity())
    return {row["partition"]: row["content"] for row in rows}


def identity() -> str:
    """What tells one day's row from another's."""
    return f"{OVER_QUOTA}:{today():%Y%m%d}"
