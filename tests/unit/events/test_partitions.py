"""What of an assigned partition may be handled."""

from libs.events.handling.partitions import Partition, Phase
from libs.events.kafka import Record
from libs.events.topics import Topic


def records(*offsets: int) -> list[Record]:
    return [Record("t", 0, offset, 0, 0, b"k", b"{}", None, 1, 2, ()) for offset in offsets]


def identify(record: Record) -> str:
    return f"event-{record.offset}"


def buffered(partition: Partition) -> list[int]:
    return [record.offset for record in partition.buffer]


def test_nothing_is_taken_before_the_seek() -> None:
    partition = Partition(Topic("t"), 0)
    assert partition.take_in(records(0, 1, 2), identify)
    assert buffered(partition) == []


def test_records_from_before_the_seek_are_dropped() -> None:
    partition = Partition(Topic("t"), 0)
    partition.admit(5, last_event_id=None)
    assert partition.take_in(records(3, 4, 5, 6), identify)
    assert buffered(partition) == [5, 6]


def test_a_hole_sends_the_partition_back_to_its_position() -> None:
    partition = Partition(Topic("t"), 0)
    partition.admit(5, last_event_id=None)
    assert not partition.take_in(records(7, 8), identify)
    assert not partition.take_in(records(5, 7), identify)
    assert buffered(partition) == []


def test_a_hole_that_stays_stops_the_partition() -> None:
    partition = Partition(Topic("t"), 0)
    for _ in range(3):
        partition.readmit()
        partition.admit(5, last_event_id=None)
        partition.take_in(records(7), identify)
    assert partition.phase is Phase.STOPPED
    assert partition.why_stopped == "offset 5 is missing from the log"


def test_a_compacted_topic_has_holes() -> None:
    partition = Partition(Topic("t", compacted=True), 0)
    partition.admit(5, last_event_id=None)
    assert partition.take_in(records(7, 9), identify)
    assert buffered(partition) == [7, 9]


def test_the_record_before_the_position_is_verified_and_not_handled_again() -> None:
    partition = Partition(Topic("t"), 0)
    assert partition.admit(5, last_event_id="event-4") == 4
    assert partition.take_in(records(4, 5), identify)
    assert (partition.phase, buffered(partition)) == (Phase.READY, [5])


def test_another_event_before_the_position_stops_the_partition() -> None:
    partition = Partition(Topic("t"), 0)
    partition.admit(5, last_event_id="event-of-another-log")
    assert partition.take_in(records(4, 5), identify)
    assert partition.phase is Phase.STOPPED
    assert "cut and grew again" in str(partition.why_stopped)
    assert buffered(partition) == []


def test_a_partition_stopped_by_its_limit_is_told_of_until_a_batch_goes_through() -> None:
    partition = Partition(Topic("t"), 0)
    partition.stop("10 events in a row failed", limit_reached=True)
    partition.readmit()
    partition.admit(5, last_event_id=None)
    assert partition.why_stopped is not None
    partition.moved(6, partition.limit)
    assert partition.why_stopped is None


def test_what_waits_is_counted_in_records_and_in_bytes_until_it_is_taken_or_dropped() -> None:
    """With records alone a partition of large ones would fill the memory."""
    partition = Partition(Topic("t"), 0)
    partition.admit(0, last_event_id=None)
    partition.take_in(records(0, 1, 2, 3), identify)
    assert partition.holds(records=4, bytes_=1_000)
    assert partition.holds(records=1_000, bytes_=8)
    assert not partition.holds(records=5, bytes_=9)
    assert [record.offset for record in partition.take(3)] == [0, 1, 2]
    assert partition.in_hand == 3
    assert partition.buffered_bytes == 2
    partition.readmit()
    assert partition.buffered_bytes == 0
