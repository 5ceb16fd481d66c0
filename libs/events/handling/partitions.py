"""One assigned partition: its state, and which of its records may be handled.

After a new assignment, aiokafka returns records from Kafka's committed offset or from 0 until the seek is done. So
records are accepted only after the seek to the position in PostgreSQL, and only if no offset is missing between them.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

from aiokafka.structs import TopicPartition

from libs.events.handling.limits import ParkingLimit
from libs.events.kafka import Record
from libs.events.observing.metrics import Attributes
from libs.events.topics import Topic

Identify = Callable[[Record], str]

CLEAR_SECONDS = 15.0
"""How long the information that no record waits counts as current. Kafka is asked for the end of the log every 5
seconds."""
HOLES_MAX = 3
"""After this number of fetches in a row with missing offsets, the records are missing from the log itself."""


class Phase(Enum):
    """The state of a partition."""

    ASSIGNED = "assigned"
    """Its position is not known yet: fetched records are discarded."""
    VERIFYING = "verifying"
    """The seek is done, to the record before the position. This record must be the one that was handled last."""
    READY = "ready"
    """Its records are handled."""
    STOPPED = "stopped"
    """To continue would lose or repeat events, or park all of them: it waits for an operator."""
    REVOKED = "revoked"
    """It is assigned to another member."""


class Partition:
    """The state of one partition while it is assigned. Each assignment creates a new object."""

    def __init__(self, topic: Topic, number: int) -> None:
        self.topic = topic
        self.number = number
        self.tp = TopicPartition(topic.name, number)
        self.phase = Phase.ASSIGNED
        self.why_stopped: str | None = None
        """If the limit of failures has stopped it, the reason is kept after a new admission until a batch succeeds."""
        self.limit_reached = False
        self.stopped_at = 0.0
        self.stored_offset = 0
        """PostgreSQL's position: the fence expects it."""
        self.next_offset = 0
        """The position: all earlier records are handled, or have no handler here. It is after `stored_offset` while
        skipped records are not stored yet."""
        self.skipped: Record | None = None
        """The last record before `next_offset`, if it was skipped and its position is not stored yet."""
        self.fetch_offset = 0
        """The offset that the next record must have."""
        self.last_event_id: str | None = None
        self.kafka_offset: int | None = None
        """The offset that was committed to Kafka last."""
        self.buffer: deque[Record] = deque()
        self.buffered_bytes = 0
        """The total size of the values in `buffer`."""
        self.in_hand = 0
        """The number of records that are being handled now."""
        self.paused = False
        self.holes = 0
        self.end: int | None = None
        """The end of the log at the last request for it."""
        self.moved_at = time.monotonic()
        self.clear_at = time.time()
        """The last time at which it was known that no record waits."""
        self.oldest_ms: int | None = None
        """Kafka's time of the record at the position, after it was fetched. It stays when the buffer is emptied."""
        self.limit = ParkingLimit(number)

    def admit(self, next_offset: int, *, last_event_id: str | None) -> int:
        """Begin at `next_offset`. Returns the offset for the seek, which is one lower if the last event is verified."""
        if next_offset != self.next_offset:
            self.oldest_ms = None
        self.begin(next_offset)
        self.last_event_id = last_event_id
        if not self.limit_reached:
            self.why_stopped = None
        self.moved_at = time.monotonic()
        self._clear()
        verify = last_event_id is not None
        self.phase = Phase.VERIFYING if verify else Phase.READY
        self.fetch_offset = next_offset - 1 if verify else next_offset
        return self.fetch_offset

    def begin(self, stored_offset: int) -> None:
        """Note the position in PostgreSQL. What was skipped after it is skipped again."""
        self.stored_offset = self.next_offset = stored_offset
        self.skipped = None

    def stop(self, why: str, *, limit_reached: bool = False) -> None:
        """Stop handling its records until it is admitted again."""
        self.phase = Phase.STOPPED
        self.limit_reached = limit_reached
        self.why_stopped = why
        self.stopped_at = time.monotonic()
        self._drop_buffer()

    def revoke(self) -> None:
        """Note that it is assigned to another member now."""
        self.phase = Phase.REVOKED
        self._drop_buffer()

    def readmit(self) -> None:
        """Discard the fetched records and begin again at the position in PostgreSQL."""
        self.phase = Phase.ASSIGNED
        self.moved_at = time.monotonic()
        self._drop_buffer()

    def moved(self, next_offset: int, limit: ParkingLimit) -> None:
        """Note that a batch up to `next_offset` has committed."""
        self.begin(next_offset)
        self.limit = limit
        self._passed()

    def skip(self, last: Record) -> None:
        """Note that the records up to `last` have no handler in this group. The position is stored later."""
        self.next_offset = last.offset + 1
        self.skipped = last
        self._passed()

    def _passed(self) -> None:
        self.moved_at = time.monotonic()
        self.oldest_ms = None
        if self.end is not None and self.next_offset >= self.end:
            self.clear()
        self.why_stopped = None
        self.limit_reached = False

    def clear(self) -> None:
        """Note that no record waits now."""
        self.clear_at = time.time()

    def attributes(self) -> Attributes:
        """The attributes that identify it in metrics."""
        return {
            "messaging.destination.name": self.tp.topic,
            "messaging.destination.partition.id": str(self.number),
        }

    def lag(self) -> int | None:
        """The number of records between position and end; None if the end is not known yet."""
        return None if self.end is None else max(self.end - self.next_offset, 0)

    def lag_age(self) -> float:
        """Seconds since Kafka received the oldest record that is not handled yet; 0 if no record waits.

        The time of a record is not known before it is fetched. Until then the result is the time since it was last
        known that no record waits. So it also grows while a partition is stopped or not fetched, or while its client
        cannot reach Kafka.
        """
        now = time.time()
        oldest = self.oldest_ms
        if oldest is None:
            # Another thread collects metrics, so the buffer may become empty at this moment.
            with contextlib.suppress(IndexError):
                oldest = self.buffer[0].timestamp
        if oldest is not None:
            return max(now - oldest / 1000, 0.0)
        unknown = now - self.clear_at
        return unknown if unknown > CLEAR_SECONDS else 0.0

    def is_stopped(self) -> bool:
        """Whether it waits for an operator."""
        return self.phase is Phase.STOPPED

    def take(self, count: int) -> list[Record]:
        """Take the next records, at most `count`, from the buffer to handle them."""
        records = [self.buffer.popleft() for _ in range(min(count, len(self.buffer)))]
        self.buffered_bytes -= _bytes(records)
        self.in_hand = len(records)
        return records

    def holds(self, *, records: int, bytes_: int) -> bool:
        """Whether the buffer has at least this many records or bytes."""
        return len(self.buffer) >= records or self.buffered_bytes >= bytes_

    def _drop_buffer(self) -> None:
        if self.oldest_ms is None and self.buffer:
            self.oldest_ms = self.buffer[0].timestamp
        self._clear()

    def _clear(self) -> None:
        self.buffer.clear()
        self.buffered_bytes = 0

    def take_in(self, records: Sequence[Record], identify: Identify) -> bool:
        """Buffer the records that may be handled and discard the others. False if offsets are missing: then the
        partition must be admitted again."""
        if self.phase not in (Phase.VERIFYING, Phase.READY):
            return True
        records = [record for record in records if record.offset >= self.fetch_offset]
        if not records:
            return True
        if self.phase is Phase.VERIFYING:
            fault = self._fault_before_position(records[0], identify)
            if fault is not None:
                self.stop(fault)
                return True
            self.phase = Phase.READY
            self.fetch_offset += 1
            records = records[1:]
        return not records or self._follow_on(records)

    def _follow_on(self, records: Sequence[Record]) -> bool:
        without_hole = records[0].offset == self.fetch_offset and records[-1].offset - self.fetch_offset + 1 == len(
            records
        )
        if not without_hole and not self.topic.gaps_allowed:
            self.holes += 1
            if self.holes >= HOLES_MAX:
                self.stop(f"offset {self.fetch_offset} is missing from the log")
                return True
            return False
        self.holes = 0
        self.buffer.extend(records)
        self.buffered_bytes += _bytes(records)
        self.fetch_offset = records[-1].offset + 1
        self.moved_at = time.monotonic()
        return True

    def _fault_before_position(self, record: Record, identify: Identify) -> str | None:
        """The fault of the record before the position, if it is not the one that was handled last: then the log is not
        the same."""
        if record.offset != self.fetch_offset:
            return f"the log was cut: the event handled last, at offset {self.fetch_offset}, is gone"
        if identify(record) != self.last_event_id:
            return f"the log was cut and grew again: offset {record.offset} holds another event than was handled"
        return None


def _bytes(records: Sequence[Record]) -> int:
    return sum(record.serialized_value_size for record in records)
