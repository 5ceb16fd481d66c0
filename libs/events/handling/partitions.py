"""One assigned partition: where it stands, and which of its records may be handled.

aiokafka hands out records while a new assignment's seek is still under way, from Kafka's committed offset or from 0.
So nothing is taken until the seek to PostgreSQL's position is done, and then only what follows on without a hole.
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
"""For so long it counts as known that nothing waits; the end of the log is asked for every 5 seconds."""
HOLES_MAX = 3
"""After so many fetches in a row that don't follow on, the hole is in the log itself."""


class Phase(Enum):
    """Where a partition stands."""

    ASSIGNED = "assigned"
    """Its position isn't known yet: whatever comes is dropped."""
    VERIFYING = "verifying"
    """The seek is done, to one record before the position: that record must be the one that was handled last."""
    READY = "ready"
    """What comes is handled."""
    STOPPED = "stopped"
    """Going on would lose or repeat events, or park everything: a person must look."""
    REVOKED = "revoked"
    """Another member has it."""


class Partition:
    """The state of one partition while it is assigned; a new assignment makes a new one."""

    def __init__(self, topic: Topic, number: int) -> None:
        self.topic = topic
        self.number = number
        self.tp = TopicPartition(topic.name, number)
        self.phase = Phase.ASSIGNED
        self.why_stopped: str | None = None
        """Kept after a new beginning where a limit stopped it: only a batch that goes through proves that it's over."""
        self.limit_reached = False
        self.stopped_at = 0.0
        self.next_offset = 0
        """PostgreSQL's position."""
        self.fetch_offset = 0
        """Where the next record must come from."""
        self.last_event_id: str | None = None
        self.kafka_offset: int | None = None
        """What Kafka has been told."""
        self.buffer: deque[Record] = deque()
        self.buffered_bytes = 0
        """Of the values in `buffer`."""
        self.in_hand = 0
        """Records of it that are being handled now."""
        self.paused = False
        self.holes = 0
        self.end: int | None = None
        """Where the log ended when last asked."""
        self.moved_at = time.monotonic()
        self.clear_at = time.time()
        """When it was last known that no record waits."""
        self.oldest_ms: int | None = None
        """Kafka's time of the record at the position, once it was fetched; kept when the buffer is dropped."""
        self.limit = ParkingLimit(number)

    def admit(self, next_offset: int, *, last_event_id: str | None) -> int:
        """Begin at `next_offset`; returns the offset to seek to, one lower if the last event is to be verified."""
        if next_offset != self.next_offset:
            self.oldest_ms = None
        self.next_offset = next_offset
        self.last_event_id = last_event_id
        if not self.limit_reached:
            self.why_stopped = None
        self.moved_at = time.monotonic()
        self._clear()
        verify = last_event_id is not None
        self.phase = Phase.VERIFYING if verify else Phase.READY
        self.fetch_offset = next_offset - 1 if verify else next_offset
        return self.fetch_offset

    def stop(self, why: str, *, limit_reached: bool = False) -> None:
        """Handle nothing more of it, until it is admitted again."""
        self.phase = Phase.STOPPED
        self.limit_reached = limit_reached
        self.why_stopped = why
        self.stopped_at = time.monotonic()
        self._drop_buffer()

    def revoke(self) -> None:
        """It belongs to another member now."""
        self.phase = Phase.REVOKED
        self._drop_buffer()

    def readmit(self) -> None:
        """What was fetched isn't what follows on: drop it, and begin again at PostgreSQL's position."""
        self.phase = Phase.ASSIGNED
        self.moved_at = time.monotonic()
        self._drop_buffer()

    def moved(self, next_offset: int, limit: ParkingLimit) -> None:
        """A batch up to `next_offset` has committed."""
        self.next_offset = next_offset
        self.limit = limit
        self.moved_at = time.monotonic()
        self.oldest_ms = None
        if self.end is not None and next_offset >= self.end:
            self.clear()
        self.why_stopped = None
        self.limit_reached = False

    def clear(self) -> None:
        """It is known that no record waits."""
        self.clear_at = time.time()

    def attributes(self) -> Attributes:
        """What metrics call it."""
        return {
            "messaging.destination.name": self.tp.topic,
            "messaging.destination.partition.id": str(self.number),
        }

    def lag(self) -> int | None:
        """Records between position and end; None if the end isn't known yet."""
        return None if self.end is None else max(self.end - self.next_offset, 0)

    def lag_age(self) -> float:
        """Seconds since Kafka got the oldest record that isn't handled; 0 where none waits.

        While that record hasn't been fetched its time isn't known; then it is the seconds since it was last known
        that none waits. So it also grows for a partition that is stopped or isn't fetched, and for one whose
        client can't reach Kafka.
        """
        now = time.time()
        oldest = self.oldest_ms
        if oldest is None:
            # Metrics are collected by another thread, the buffer may be emptied at this moment.
            with contextlib.suppress(IndexError):
                oldest = self.buffer[0].timestamp
        if oldest is not None:
            return max(now - oldest / 1000, 0.0)
        unknown = now - self.clear_at
        return unknown if unknown > CLEAR_SECONDS else 0.0

    def is_stopped(self) -> bool:
        """Whether a person must look."""
        return self.phase is Phase.STOPPED

    def take(self, count: int) -> list[Record]:
        """The next records, at most `count`, to be handled now."""
        records = [self.buffer.popleft() for _ in range(min(count, len(self.buffer)))]
        self.buffered_bytes -= _bytes(records)
        self.in_hand = len(records)
        return records

    def holds(self, *, records: int, bytes_: int) -> bool:
        """Whether so many records, or so many bytes, wait here."""
        return len(self.buffer) >= records or self.buffered_bytes >= bytes_

    def _drop_buffer(self) -> None:
        if self.oldest_ms is None and self.buffer:
            self.oldest_ms = self.buffer[0].timestamp
        self._clear()

    def _clear(self) -> None:
        self.buffer.clear()
        self.buffered_bytes = 0

    def take_in(self, records: Sequence[Record], identify: Identify) -> bool:
        """Buffer what may be handled, drop the rest; False if there is a hole: the partition must be admitted again."""
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
        """The record before the position must be the one that was handled last; else the log isn't the same."""
        if record.offset != self.fetch_offset:
            return f"the log was cut: the event handled last, at offset {self.fetch_offset}, is gone"
        if identify(record) != self.last_event_id:
            return f"the log was cut and grew again: offset {record.offset} holds another event than was handled"
        return None


def _bytes(records: Sequence[Record]) -> int:
    return sum(record.serialized_value_size for record in records)
