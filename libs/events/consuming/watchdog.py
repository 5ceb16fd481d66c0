"""Notice a Kafka client that lives but makes no progress; aiokafka has several ways to get there without an error."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka.errors import IllegalStateError, KafkaError

from libs.events.handling.partitions import Partition, Phase
from libs.events.kafka import GroupMember

STUCK_SECONDS = 15.0
"""A partition that is behind, with nothing in hand, and doesn't move for so long is stuck."""
POLL_STUCK_SECONDS = 25.0
"""A fetch that doesn't come back for so long is stuck; it waits out a rebalance, which takes 15 seconds at most."""
ADMISSION_STUCK_SECONDS = 25.0
"""A partition whose bounds Kafka doesn't tell for so long, though it was asked, is stuck."""
AWAY_SECONDS = 25.0
"""After so long without an answer about the ends of the log another client is tried."""
ASK_SECONDS = 10.0


class StuckError(Exception):
    """The client must be replaced; the text says why."""


class Watchdog:
    """Watches one client."""

    def __init__(self) -> None:
        self._polled_at = time.monotonic()
        self._answered_at = time.monotonic()

    def polled(self) -> None:
        """The client is being asked for records."""
        self._polled_at = time.monotonic()

    def check_poll(self) -> None:
        """`StuckError` if a fetch doesn't come back."""
        if time.monotonic() - self._polled_at > POLL_STUCK_SECONDS:
            raise StuckError("fetch-does-not-return")

    async def check(self, member: GroupMember, partitions: Sequence[Partition]) -> None:
        """`StuckError` if a partition's log end is ahead of a position that has long been still."""
        now = time.monotonic()
        if any(one.phase is Phase.ASSIGNED and now - one.moved_at > ADMISSION_STUCK_SECONDS for one in partitions):
            raise StuckError("position-not-read")
        idle = [one for one in partitions if self._waits_for_kafka(one)]
        try:
            ends = await asyncio.wait_for(member.end_offsets([one.tp for one in partitions]), ASK_SECONDS)
            fetched = {one.tp: await self._fetched(member, one) for one in idle}
        except (KafkaError, TimeoutError, OSError):
            if time.monotonic() - self._answered_at > AWAY_SECONDS:
                raise StuckError("no-answer") from None
            return
        self._answered_at = time.monotonic()
        for one in partitions:
            one.end = ends.get(one.tp)
        for one in idle:
            if one.end is None or one.end <= fetched[one.tp]:
                one.moved_at = time.monotonic()
                if one.end is not None:
                    one.clear()
            elif time.monotonic() - one.moved_at > STUCK_SECONDS and self._waits_for_kafka(one):
                raise StuckError("no-progress")

    @staticmethod
    def _waits_for_kafka(partition: Partition) -> bool:
        return (
            partition.phase in (Phase.VERIFYING, Phase.READY)
            and not partition.paused
            and not partition.buffer
            and not partition.in_hand
        )

    @staticmethod
    async def _fetched(member: GroupMember, partition: Partition) -> int:
        """Where the client fetches next; past the markers of transactions, which are no records."""
        if not partition.topic.gaps_allowed:
            return partition.fetch_offset
        try:
            return await asyncio.wait_for(member.position(partition.tp), ASK_SECONDS)
        except IllegalStateError:
            return partition.fetch_offset
