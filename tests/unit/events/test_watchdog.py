"""A client that lives but makes no progress is noticed."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError

from libs.events.consuming import watchdog
from libs.events.consuming.watchdog import StuckError, Watchdog
from libs.events.handling.partitions import Partition
from libs.events.kafka import GroupMember
from libs.events.topics import Topic


class Member:
    """Knows the end of the log, and does nothing."""

    def __init__(self, end: int, position: int = 0) -> None:
        self.end: int | None = end
        self.at = position

    async def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        if self.end is None:
            raise KafkaConnectionError
        return dict.fromkeys(partitions, self.end)

    async def position(self, partition: object) -> int:
        return self.at


def member(end: int, position: int = 0) -> GroupMember:
    return cast(GroupMember, Member(end, position))


def still(topic: Topic, *, seconds: float) -> Partition:
    partition = Partition(topic, 0)
    partition.admit(5, last_event_id=None)
    partition.moved_at = time.monotonic() - seconds
    return partition


async def test_a_partition_that_is_behind_and_does_not_move_is_stuck() -> None:
    with pytest.raises(StuckError, match="no-progress"):
        await Watchdog().check(member(9), [still(Topic("t"), seconds=watchdog.STUCK_SECONDS + 1)])


async def test_a_partition_at_the_end_of_its_log_is_not() -> None:
    partition = still(Topic("t"), seconds=1000)
    began = time.monotonic()
    await Watchdog().check(member(5), [partition])
    assert partition.moved_at >= began


async def test_a_partition_with_work_in_hand_is_not() -> None:
    partition = still(Topic("t"), seconds=1000)
    partition.in_hand = 3
    await Watchdog().check(member(9), [partition])


async def test_what_follows_the_last_record_may_be_the_marker_of_a_transaction() -> None:
    partition = still(Topic("t", foreign=True), seconds=1000)
    await Watchdog().check(member(end=6, position=6), [partition])


async def test_a_position_that_is_never_read_is_stuck() -> None:
    partition = Partition(Topic("t"), 0)
    partition.moved_at -= watchdog.ADMISSION_STUCK_SECONDS + 1
    with pytest.raises(StuckError, match="position-not-read"):
        await Watchdog().check(member(9), [partition])


async def test_a_broker_that_does_not_answer_for_long_is_asked_by_another_client() -> None:
    silent = Member(0)
    silent.end = None
    one = Watchdog()
    await one.check(cast(GroupMember, silent), [still(Topic("t"), seconds=0)])
    one._answered_at -= watchdog.AWAY_SECONDS + 1
    with pytest.raises(StuckError, match="no-answer"):
        await one.check(cast(GroupMember, silent), [still(Topic("t"), seconds=0)])


def test_a_fetch_that_does_not_return_is_stuck() -> None:
    one = Watchdog()
    one.check_poll()
    one._polled_at -= watchdog.POLL_STUCK_SECONDS + 1
    with pytest.raises(StuckError, match="fetch-does-not-return"):
        one.check_poll()
